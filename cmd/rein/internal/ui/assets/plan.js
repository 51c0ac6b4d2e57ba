// Plans what is typed, and what is saved elsewhere.
'use strict';
(() => {
  const {$, el, follow, debounce} = rein, text = $('#text'), result = $('#plan-result'), saved = $('#saved');
  if (!text) return;
  const file = text.dataset.file;
  let disk = text.value, asked = 0;
  const plan = async () => {
    const mine = ++asked;
    result.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch('/plan', {method: 'POST', credentials: 'same-origin', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({file, text: text.value})});
      const body = await answer.text();
      if (mine !== asked) return;
      if (!answer.ok) throw new Error('the server answers ' + answer.status);
      result.replaceChildren(...new DOMParser().parseFromString(body, 'text/html').body.childNodes);
    } catch (e) {
      if (mine === asked) result.replaceChildren(el('p', {class: 'bad'}, e.message));
    } finally {
      if (mine === asked) result.removeAttribute('aria-busy');
    }
  };
  const take = () => { text.value = disk; saved.hidden = true; plan(); };
  text.addEventListener('input', debounce(plan, 250));
  $('#reload').addEventListener('click', take);
  follow('/plan/changes?file=' + encodeURIComponent(file), {saved: now => {
    const was = disk;
    disk = now;
    if (now === was) return;
    if (text.value === was) take(); else saved.hidden = now === text.value;
  }});
})();
