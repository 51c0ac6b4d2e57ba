// The list of runs: renews itself when a run begins or ends, and while somebody types.
'use strict';
(() => {
  const {$, follow, fetchInto, debounce} = rein, table = $('#runs-table'), filter = $('#q');
  let shown = table.dataset.state;
  const renew = () => fetchInto(table, '/runs/table' + location.search);
  follow('/runs/changes', {runs: state => { if (state !== shown) renew().then(() => { shown = state; }, () => {}); }}); // a stream that comes back says it again
  filter.addEventListener('input', debounce(() => {
    history.replaceState(null, '', filter.value ? '/?q=' + encodeURIComponent(filter.value) : '/');
    renew().catch(() => {});
  }, 150));
})();
