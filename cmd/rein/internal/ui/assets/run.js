// A run as it goes: a fold of its events, drawn at most once a frame.
'use strict';
(() => {
  const {$, $$, el, follow, count, duration} = rein, section = $('#progress'), run = section.dataset.run;
  const steps = new Map(), logs = [], mostLogs = 5000;
  let total = $$('tr[data-step]').length, done = null, first = Number(section.dataset.started), latest = 0, skew = null, dirty = new Set(), drawing = false, logsFrom = 0, logsDirty = true, curvesDirty = true;
  const words = {running: 'running', waiting: 'waits', '': 'waits'};

  const step = e => {
    const name = e.pipeline + '/' + e.step;
    let s = steps.get(name);
    if (!s) steps.set(name, s = {name, type: e.type, status: '', started: 0, done: 0, total: 0, unit: '', marks: [], series: new Map(), says: [], elapsed: 0});
    dirty.add(s);
    return s;
  };

  const fold = e => {
    const now = Date.parse(e.time);
    latest = Math.max(latest, now);
    if (skew === null) skew = Date.now() - now;
    skew = Math.min(skew, Date.now() - now); // how far this clock is ahead of the run's
    if (e.action === 'plan') { total = e.total; schedule(); return; }
    if (e.action === 'done') { done = e; schedule(); return; }
    if (!e.step) { if (e.text) log('', e.text, 'note'); schedule(); return; }
    const s = step(e);
    switch (e.action) {
      case 'start': s.status = 'running'; s.started = now; s.marks = []; s.where = e.executor || ''; s.says = e.reasons || []; break;
      case 'wait': s.status = 'waiting'; s.says = [e.text || '']; break;
      case 'progress':
        if (e.unit !== s.unit || (e.done || 0) < s.done) s.marks = [];
        s.done = e.done || 0; s.total = e.total || 0; s.unit = e.unit || '';
        s.marks.push([now, s.done]);
        while (s.marks.length > 2 && now - s.marks[1][0] >= 30000) s.marks.shift();
        if (s.status !== 'running') s.status = 'running';
        break;
      case 'log': log(s.name, e.text || ''); break;
      case 'note': s.says.push(e.text || ''); log(s.name, e.text || '', 'note'); break;
      case 'series': {
        const points = s.series.get(e.metric) || [];
        const at = e.at || 0;
        if (!points.length || points[points.length - 1][0] < at) points.push([at, e.value || 0]);
        s.series.set(e.metric, points);
        curvesDirty = true;
        break;
      }
      case 'end':
        s.status = e.status; s.elapsed = e.elapsed_ms || s.elapsed;
        if (e.text) { s.says = [e.text]; log(s.name, e.text, 'note'); } else if (e.reasons) s.says = e.reasons;
        break;
    }
    schedule();
  };

  const log = (of, text, kind = '') => {
    for (const line of text.split('\n')) logs.push({of, line, kind});
    if (logs.length > mostLogs * 1.2) { logs.splice(0, logs.length - mostLogs); logsFrom = 0; logsDirty = true; }
  };

  // rate is units a second over the last half minute; 0 while there is too little to go by.
  const rate = s => {
    if (s.marks.length < 1) return 0;
    const last = s.marks[s.marks.length - 1];
    const from = last[0] - s.marks[0][0] >= 2000 ? s.marks[0] : [s.started, 0];
    const ms = last[0] - from[0];
    return ms > 0 ? (last[1] - from[1]) / ms * 1000 : 0;
  };
  const progressText = s => {
    if (!s.done && !s.total) return '';
    let out = count(s.done) + (s.total ? ' of ' + count(s.total) : '') + ' ' + s.unit;
    const r = rate(s);
    if (r > 0) {
      out += ', ' + (r < 9.95 ? r.toPrecision(2) : count(r)) + ' ' + s.unit.split(',')[0] + '/s'; // of "rows, model 2 of 6" the rows
      if (s.total > s.done) out += ', ' + duration((s.total - s.done) / r * 1000) + ' left';
    }
    return out;
  };

  const schedule = () => { if (!drawing) { drawing = true; requestAnimationFrame(draw); } };
  const runNow = () => done ? Date.parse(done.time) : Date.now() - (skew || 0);

  const draw = () => {
    drawing = false;
    for (const s of dirty) drawStep(s);
    dirty.clear();
    const all = [...steps.values()], counts = {};
    all.forEach(s => { counts[s.status] = (counts[s.status] || 0) + 1; });
    const ended = all.filter(s => !words[s.status] && s.status).length, running = all.filter(s => s.status === 'running');
    const parts = ['running', 'waiting', 'ran', 'cached', 'unchanged', 'verdict', 'failed', 'stopped', 'skipped'].filter(k => counts[k]).map(k => counts[k] + ' ' + (words[k] || k));
    const text = ended + ' of ' + total + ' steps ended' + (parts.length ? ': ' + parts.join(', ') : '') + ' · ' + duration(Math.max(0, runNow() - first));
    if ($('#summary').textContent !== text) $('#summary').textContent = text;
    $('#bar').max = total || 1; $('#bar').value = ended;
    drawRunning(running);
    if (done) {
      $('#outcome').replaceChildren(el('span', {class: done.verdict === 'pass' ? 'good' : 'bad'}, done.verdict));
      section.removeAttribute('data-live');
    }
    drawLogs();
    if (curvesDirty) drawCurves();
  };

  const drawStep = s => {
    const status = s.status || 'waiting', key = CSS.escape(s.name);
    $$('[data-step="' + key + '"]').forEach(x => {
      if (x.tagName === 'TR') {
        const cell = $('.status', x);
        cell.textContent = words[status] || status;
        cell.className = 'status is-' + status;
        if (s.elapsed) $('.time', x).textContent = duration(s.elapsed);
        $('.says', x).textContent = s.status === 'running' ? [s.where && 'on ' + s.where, ...s.says].filter(Boolean).join('; ') : s.says.join('; ') || $('.says', x).textContent;
      } else {
        x.setAttribute('class', 'is-' + status);
        const note = $('.tick', x), type = s.type || note.textContent.split(' · ')[0];
        note.textContent = type + ' · ' + (s.elapsed && status !== 'cached' ? duration(s.elapsed) : words[status] || status);
      }
    });
  };

  const drawRunning = running => {
    const list = $('#running'), had = new Map([...list.children].map(x => [x.dataset.of, x]));
    for (const s of running) {
      let item = had.get(s.name);
      if (!item) {
        list.append(item = el('li', {'data-of': s.name}, el('span', {class: 'name'}, s.name), el('progress', {'aria-label': s.name}), el('small')));
      }
      had.delete(s.name);
      const bar = $('progress', item);
      if (s.total) { bar.max = s.total; bar.value = s.done; } else bar.removeAttribute('value');
      $('small', item).textContent = [duration(Math.max(0, runNow() - s.started)), progressText(s)].filter(Boolean).join(' · ');
    }
    had.forEach(x => x.remove());
  };

  const box = $('#log'), chosen = $('#log-step'), wanted = $('#log-filter');
  const drawLogs = () => {
    const fits = l => (!chosen.value || l.of === chosen.value) && (!wanted.value || l.line.toLowerCase().includes(wanted.value.toLowerCase()));
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 30;
    let fresh = logs.slice(logsFrom);
    if (logsDirty) { fresh = logs; if (logs.length) box.replaceChildren(); }
    logsFrom = logs.length;
    const show = fresh.filter(fits).slice(-2000);
    if (!show.length && !logsDirty) return;
    if (logsDirty && logs.length && !show.length) box.replaceChildren(el('p', {class: 'soft'}, 'No line fits.'));
    else if (show.length && $('p', box)) box.replaceChildren();
    logsDirty = false;
    box.append(...show.map(l => el('div', {class: l.kind}, ...(chosen.value || !l.of ? [] : [el('span', {class: 'of'}, l.of)]), l.line)));
    while (box.children.length > 2000) box.firstChild.remove();
    if (atEnd) box.scrollTop = box.scrollHeight;
  };
  const again = () => { logsDirty = true; schedule(); };
  chosen.addEventListener('change', again);
  wanted.addEventListener('input', again);
  const choose = name => { chosen.value = name; again(); $('#log-title').scrollIntoView({block: 'start'}); box.focus({preventScroll: true}); };
  $$('button[data-log]').forEach(b => b.addEventListener('click', () => choose(b.dataset.log)));
  $$('svg [data-step]').forEach(g => g.addEventListener('click', () => choose(g.dataset.step)));

  // One chart a curve, a line a step.
  const drawCurves = () => {
    curvesDirty = false;
    const curves = new Map();
    for (const s of steps.values()) for (const [metric, points] of s.series) {
      const own = metric.replace(/_seed-?\d+$/, '');
      if (!curves.has(own)) curves.set(own, new Map());
      const lines = curves.get(own), text = JSON.stringify(points);
      const same = [...lines.values()].find(l => l.text === text); // a step that several pipelines share
      if (same) same.names.push(s.name); else lines.set(s.name + ' ' + metric, {names: [s.name], points, text});
    }
    if (!curves.size) return;
    const order = ['train_loss', 'validation_loss', 'validation_auc'], rank = c => (order.indexOf(c) + 1) || 9;
    $('#curves').replaceChildren(...[...curves].sort((a, b) => rank(a[0]) - rank(b[0]) || (a[0] < b[0] ? -1 : 1)).map(([name, lines]) => chart(name, [...lines.values()])));
  };
  const W = 460, H = 260, left = 62, bottom = 40, top = 10, right = 16;
  const ticks = (lo, hi) => {
    const raw = (hi - lo) / 5, p = 10 ** Math.floor(Math.log10(raw)), by = [1, 2, 5, 10].map(m => m * p).find(v => v >= raw), out = [];
    for (let v = Math.ceil(lo / by - 1e-9) * by; v <= hi + 1e-9 * by; v += by) out.push(Math.abs(v) < by / 1e6 ? 0 : v);
    return out;
  };
  const chart = (name, lines) => {
    const xs = lines.flatMap(l => l.points.map(p => p[0])), ys = lines.flatMap(l => l.points.map(p => p[1]));
    let [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    if (x1 === x0) x1 = x0 + 1;
    if (y1 === y0) { y0 -= Math.abs(y0) / 10 || 0.5; y1 += Math.abs(y1) / 10 || 0.5; }
    const X = v => left + (W - left - right) * (v - x0) / (x1 - x0), Y = v => top + (H - top - bottom) * (1 - (v - y0) / (y1 - y0)), r = v => v.toFixed(1);
    const title = name.replace(/_/g, ' '), svg = el('svg', {class: 'chart', width: W, viewBox: '0 0 ' + W + ' ' + H, role: 'img', 'aria-label': title + ' over epochs'});
    for (const v of ticks(x0, x1)) svg.append(el('path', {class: 'grid', d: 'M' + r(X(v)) + ' ' + top + 'V' + (H - bottom)}), el('text', {class: 'tick', x: r(X(v)), y: H - bottom + 16, 'text-anchor': 'middle'}, String(+v.toPrecision(6))));
    for (const v of ticks(y0, y1)) svg.append(el('path', {class: 'grid', d: 'M' + left + ' ' + r(Y(v)) + 'H' + (W - right)}), el('text', {class: 'tick', x: left - 6, y: r(Y(v) + 4), 'text-anchor': 'end'}, String(+v.toPrecision(4))));
    lines.forEach((l, i) => {
      const c = 'c' + (1 + i % 6);
      svg.append(el('path', {class: 'line ' + c, d: l.points.map((p, j) => (j ? 'L' : 'M') + r(X(p[0])) + ' ' + r(Y(p[1]))).join('')}, el('title', {}, l.names.join(', '))));
      for (const p of l.points) svg.append(el('circle', {class: 'dot ' + c, cx: r(X(p[0])), cy: r(Y(p[1])), r: 2.5}, el('title', {}, l.names[0] + ' at ' + p[0] + ': ' + +p[1].toPrecision(5))));
    });
    svg.append(el('text', {x: (left + W - right) / 2, y: H - 6, 'text-anchor': 'middle'}, 'epoch'));
    return el('figure', {}, svg, el('figcaption', {}, el('strong', {}, title), '. ' + lines.map(l => l.names[0] + (l.names.length > 1 ? ' and ' + (l.names.length - 1) + ' more' : '') + ': ' + +l.points[l.points.length - 1][1].toPrecision(4)).join('; ')));
  };

  follow('/runs/' + encodeURIComponent(run) + '/events', {message: fold, end: () => schedule()});
  if (section.hasAttribute('data-live')) setInterval(() => { if (!done && !document.hidden) schedule(); }, 500);
})();
