// The list of runs: renews itself when a run begins or ends, and while somebody types.
'use strict';
(() => {
  const {$, follow, fetchInto, debounce} = rein, table = $('#runs-table'), filter = $('#q');
  let first = true;
  const renew = () => fetchInto(table, '/runs/table' + location.search).catch(() => {});
  follow('/runs/changes', {runs: () => { if (!first) renew(); first = false; }});
  filter.addEventListener('input', debounce(() => {
    history.replaceState(null, '', filter.value ? '/?q=' + encodeURIComponent(filter.value) : '/');
    renew();
  }, 150));
})();
