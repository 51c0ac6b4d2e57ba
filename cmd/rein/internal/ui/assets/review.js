// Review: one row at a time, a key a decision. Each is written by the server before the next row is shown.
'use strict';
(() => {
  const {$, fetchInto, post, keys} = rein, box = $('#review'), failed = $('#failed');
  if (!box) return;
  const file = box.dataset.file, done = [];
  let busy = false;
  const card = () => $('.card', box);
  const show = async at => {
    await fetchInto(box, '/review/row?' + new URLSearchParams({file, at}));
  };
  const decide = async (id, verdict, label, note) => post('/review', {file, id, verdict, label, note});
  const act = async key => {
    const c = card(), at = c ? Number(c.dataset.at) : 0, id = c?.dataset.id;
    if (key === 'u') {
      const last = done.pop();
      if (!last) return;
      const answer = await decide(last, '', '', '');
      await show(answer.at);
    } else if (!c) {
      return;
    } else if (key === 'ArrowRight') {
      await show(at + 1);
    } else if (key === 'ArrowLeft') {
      await show(at > 0 ? at - 1 : Number($('progress', box).max) - 1);
    } else {
      const verdict = {a: 'accept', r: 'reject', l: 'relabel'}[key];
      const answer = await decide(id, verdict, key === 'l' ? c.dataset.other : '', $('#note').value);
      done.push(id);
      await show(answer.next);
    }
  };
  const run = key => {
    if (busy) return;
    busy = true;
    failed.hidden = true;
    const focused = document.activeElement?.dataset?.act;
    act(key).then(() => { if (focused) $('[data-act="' + focused + '"]', box)?.focus(); })
      .catch(e => { failed.textContent = e.message; failed.hidden = false; }).finally(() => { busy = false; });
  };
  box.addEventListener('click', e => { const b = e.target.closest('[data-act]'); if (b) run(b.dataset.act); });
  keys(e => {
    if (e.key === 'n' && $('#note')) { $('#note').focus(); return true; }
    if (['a', 'r', 'l', 'u', 'ArrowLeft', 'ArrowRight'].includes(e.key)) { run(e.key); return true; }
    return false;
  });
  box.addEventListener('keydown', e => { if (e.target.id === 'note' && e.key === 'Enter') { e.preventDefault(); e.target.blur(); } });
})();
