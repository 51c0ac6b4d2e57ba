// Loads the comparison, which takes its time, and narrows the list of what can be compared.
'use strict';
(() => {
  const {$, $$, el, fetchInto} = rein, report = $('#report'), find = $('#find');
  find?.addEventListener('input', () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    $$('.choose tbody tr').forEach(r => { r.hidden = !words.every(w => r.textContent.toLowerCase().includes(w)) && !$('input', r).checked; });
  });
  if (!report) return;
  fetchInto(report, report.dataset.src).then(() => reinReport()).catch(e => report.replaceChildren(el('p', {class: 'bad'}, e.message)))
    .finally(() => { report.removeAttribute('aria-busy'); if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView(); });
})();
