// Rows: the server filters and turns pages, however many rows there are; here what is typed is sent, and rows are opened.
'use strict';
(() => {
  const {$, $$, el, fetchInto, debounce} = rein, form = $('#rows-form'), table = $('#rows-table');
  if (!form) return;
  let asked = 0;
  const query = () => {
    const q = new URLSearchParams(new FormData(form));
    for (const [k, v] of [...q]) if (!v) q.delete(k);
    return q.toString();
  };
  const show = async q => {
    const mine = ++asked, fresh = document.createElement('div');
    table.setAttribute('aria-busy', 'true');
    try {
      await fetchInto(fresh, '/rows/table?' + q);
      if (mine === asked) table.replaceChildren(...fresh.childNodes);
    } catch (e) {
      if (mine === asked) table.replaceChildren(el('p', {class: 'bad'}, e.message));
    } finally {
      if (mine === asked) table.removeAttribute('aria-busy');
    }
  };
  const renew = () => { const q = query(); history.replaceState(null, '', '/rows?' + q); show(q); };
  $('#q').addEventListener('input', debounce(renew, 120));
  // Of other rows other things can be chosen: the form comes anew, and the focus stays where it was.
  form.addEventListener('change', async e => {
    if (e.target.id === 'q') return;
    const mine = ++asked, at = e.target.id, q = query(), fresh = document.createElement('div');
    history.replaceState(null, '', '/rows?' + q);
    table.setAttribute('aria-busy', 'true');
    try {
      await fetchInto(fresh, '/rows?' + q);
      if (mine !== asked) return;
      const choices = $('#rows-form', fresh), typed = $('#q').value;
      $$('select', form).forEach(s => s.replaceChildren(...$('#' + s.id, choices).childNodes));
      $('#q').value = typed;
      table.replaceChildren(...$('#rows-table', fresh).childNodes);
    } catch (x) {
      table.replaceChildren(el('p', {class: 'bad'}, x.message));
    } finally {
      table.removeAttribute('aria-busy');
      document.getElementById(at)?.focus();
    }
  });
  form.addEventListener('submit', e => { e.preventDefault(); renew(); });
  table.addEventListener('click', async e => {
    const page = e.target.closest('.pager a');
    if (page) {
      e.preventDefault();
      const q = page.getAttribute('href').replace(/^[^?]*\?/, '');
      history.replaceState(null, '', '/rows?' + q);
      await show(q);
      table.scrollIntoView({block: 'start'});
      return;
    }
    const button = e.target.closest('[data-detail]');
    if (!button) return;
    const row = button.closest('tr'), open = button.getAttribute('aria-expanded') === 'true';
    button.setAttribute('aria-expanded', String(!open));
    if (open) { row.nextElementSibling.remove(); return; }
    const cell = el('td', {colspan: row.cells.length, 'aria-busy': 'true'}, 'Looking.');
    row.after(el('tr', {class: 'detail'}, cell));
    fetchInto(cell, button.dataset.detail).catch(x => cell.replaceChildren(el('p', {class: 'bad'}, x.message))).finally(() => cell.removeAttribute('aria-busy'));
  });
})();
