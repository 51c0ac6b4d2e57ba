// What all pages share: keys, sorted tables, a stream that comes back. Texts of rows, logs and files only ever go into textContent.
'use strict';
window.rein = (() => {
  const $ = (q, of = document) => of.querySelector(q), $$ = (q, of = document) => [...of.querySelectorAll(q)];

  // el makes an element with attributes and children; strings become text.
  const el = (name, attributes = {}, ...children) => {
    const svg = ['svg', 'path', 'circle', 'text', 'rect', 'title', 'g'].includes(name);
    const e = svg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
    for (const [k, v] of Object.entries(attributes)) if (v !== false && v != null) e.setAttribute(k, v);
    e.append(...children);
    return e;
  };

  // follow listens to a stream while the page is seen. A hidden tab lets go of it, since a browser opens only six connections to a server.
  const follow = (path, handlers) => {
    let source = null, last = '', over = false;
    const status = $('#connection');
    const open = () => {
      if (source || over || document.hidden) return;
      source = new EventSource(path + (last ? (path.includes('?') ? '&' : '?') + 'from=' + encodeURIComponent(last) : ''));
      source.onopen = () => { status.hidden = true; };
      source.onerror = () => {
        if (over) return;
        status.hidden = false;
        if (source && source.readyState === EventSource.CLOSED) { close(); setTimeout(open, 2000); }
      };
      for (const [event, f] of Object.entries(handlers)) source.addEventListener(event, e => {
        if (e.lastEventId) last = e.lastEventId;
        if (event === 'end') { over = true; close(); }
        f(JSON.parse(e.data));
      });
    };
    const close = () => { if (source) source.close(); source = null; };
    document.addEventListener('visibilitychange', () => document.hidden ? close() : open());
    addEventListener('pagehide', close);
    addEventListener('pageshow', open);
    open();
  };

  // fetchInto puts a part of a page, made by the server, into an element.
  const fetchInto = async (target, path) => {
    const answer = await fetch(path, {credentials: 'same-origin'});
    const text = await answer.text();
    if (!answer.ok) throw new Error(answer.status === 401 ? text : 'the server answers ' + answer.status);
    const parsed = new DOMParser().parseFromString(text, 'text/html');
    target.replaceChildren(...parsed.body.childNodes);
    sortable(target);
  };

  const post = async (path, body) => {
    const answer = await fetch(path, {method: 'POST', credentials: 'same-origin', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
    if (!answer.ok) throw new Error((await answer.text()).trim() || 'the server answers ' + answer.status);
    return answer.json();
  };

  // sortable makes the heads of tables with data-sortable order their lines.
  const sortable = of => $$('table[data-sortable]', of).forEach(table => $$('thead th', table).forEach((head, i) => {
    const button = el('button', {type: 'button', class: 'sort', title: 'order by this column'}, head.textContent);
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') !== 'ascending', rows = [...table.tBodies[0].rows];
      const value = r => { const t = r.cells[i].textContent.trim(), n = parseFloat(t.replace(/,/g, '')); return /^[-+]?[\d.]/.test(t) && !/^\d{4}-/.test(t) ? n : t; };
      rows.sort((a, b) => { const x = value(a), y = value(b); return (up ? 1 : -1) * (typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y))); });
      table.tBodies[0].append(...rows);
      $$('thead th', table).forEach(h => h.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    });
  }));

  // Keys.
  const lines = () => $$('table.list tbody tr a, table.list tbody tr button').filter((x, i, all) => x.offsetParent && all.findIndex(y => y.closest('tr') === x.closest('tr')) === i);
  const step = by => {
    const all = lines(), at = all.findIndex(x => x.closest('tr') === document.activeElement.closest('tr'));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by))];
    if (next) { next.focus(); next.scrollIntoView({block: 'nearest'}); }
  };
  let going = 0;
  const own = []; // a page's own keys come first
  document.addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    const typing = e.target.closest('input, textarea, select');
    if (typing) { if (e.key === 'Escape') e.target.blur(); return; }
    if ($('dialog[open]')) return;
    if (Date.now() - going < 1500) {
      going = 0;
      const to = $('[data-key="' + CSS.escape(e.key) + '"]');
      if (to) { e.preventDefault(); to.click(); return; }
    }
    if (own.some(f => f(e))) { e.preventDefault(); return; }
    const act = {
      g: () => { going = Date.now(); }, '?': () => $('#keys').showModal(), '/': () => { const f = $('main input[type=search]'); if (f) { f.focus(); f.select(); } },
      j: () => step(1), k: () => step(-1), '[': () => $('a[rel=prev]')?.click(), ']': () => $('a[rel=next]')?.click(),
    }[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  $('#keys-button').addEventListener('click', () => $('#keys').showModal());
  sortable(document);

  const debounce = (f, ms) => { let t; return (...a) => { clearTimeout(t); t = setTimeout(() => f(...a), ms); }; };
  const count = n => Math.round(n).toLocaleString('en-US');
  const duration = ms => ms < 1000 ? Math.round(ms) + ' ms' : ms < 9950 ? (ms / 1000).toFixed(1) + ' s' : ms < 59500 ? Math.round(ms / 1000) + ' s'
    : ms < 3600e3 ? Math.floor(ms / 60e3) + ' min ' + Math.floor(ms / 1000 % 60) + ' s' : Math.floor(ms / 3600e3) + ' h ' + Math.floor(ms / 60e3 % 60) + ' min';
  return {$, $$, el, follow, fetchInto, post, debounce, count, duration, keys: f => own.push(f)};
})();
