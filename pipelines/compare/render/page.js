// Hides columns and rows of the matrix, and orders the columns by a row's first figures. Without it the matrix is whole, in the order of rank.
globalThis.reinReport = () => {
  const table = document.querySelector('.matrix'), box = document.getElementById('columns');
  if (!table || !box) return;
  box.hidden = false;
  const head = table.tHead.rows[0], rows = [...table.tBodies[0].rows].filter(r => !r.classList.contains('section'));
  const show = () => box.querySelectorAll('input').forEach(i => {
    const at = [...head.cells].findIndex(c => c.dataset.column === i.value);
    [head, ...rows].forEach(r => { r.cells[at].hidden = !i.checked; });
  });
  box.addEventListener('change', show);
  const find = document.getElementById('matrix-rows'), all = [...table.tBodies[0].rows];
  find.addEventListener('input', () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = r => words.every(w => r.cells[0].textContent.toLowerCase().includes(w));
    let section = null, whole = false;
    all.forEach(r => {
      if (r.classList.contains('section')) { section = r; whole = fits(r); r.hidden = words.length > 0 && !whole; return; }
      r.hidden = !whole && !fits(r);
      if (!r.hidden && section) section.hidden = false;
    });
  });
  const figure = cell => parseFloat(cell.textContent.replace(/[,★✓!✗ ]/g, ''));
  rows.forEach(row => {
    const name = row.cells[0], button = document.createElement('button');
    button.textContent = name.textContent;
    button.title = 'order the columns by this row';
    name.replaceChildren(button);
    let up = false;
    button.addEventListener('click', () => {
      up = !up;
      const order = [...head.cells].map((_, i) => i).slice(1);
      const key = i => { const v = figure(row.cells[i]); return Number.isFinite(v) ? (up ? v : -v) : Infinity; };
      order.sort((a, b) => key(a) - key(b));
      [head, ...rows].forEach(r => { const cells = [...r.cells]; order.forEach(i => r.append(cells[i])); });
    });
  });
};
reinReport();
