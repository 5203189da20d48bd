// Runs before Elsa Studio: opens what the address asks for, says when the session is over, and tells the console around it what happened.
(() => {
  'use strict';
  const query = new URLSearchParams(location.search);
  const definition = query.get('definition');
  const instance = query.get('instance');

  // Studio adds a script of its own for these keys. Were it ever refused, the editor would die without them.
  let onKey = null;
  window.editorHotkeys = {
    register(editor) {
      onKey = (event) => {
        if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 's') return;
        event.preventDefault();
        editor.invokeMethodAsync(event.shiftKey ? 'OnHotKeysCtrlShiftS' : 'OnHotKeysCtrlS');
      };
      document.addEventListener('keydown', onKey);
    },
    dispose() {
      if (onKey) document.removeEventListener('keydown', onKey);
    },
  };

  const tell = (message) => {
    if (window.parent !== window) window.parent.postMessage({ source: 'mailflow-studio', ...message }, location.origin);
  };

  const notify = (text, link) => {
    const notice = document.getElementById('notice');
    if (!notice) return;
    notice.textContent = text + ' ';
    if (link) {
      const anchor = document.createElement('a');
      anchor.href = link.href;
      anchor.target = '_blank';
      anchor.textContent = link.text;
      notice.append(anchor);
    }
    notice.hidden = false;
  };

  // Studio swallows every failure but status 400: without this, a save after the session's end would be lost in silence.
  const fetchBare = window.fetch.bind(window);
  window.fetch = async (input, init) => {
    const answer = await fetchBare(input, init);
    const address = typeof input === 'string' ? input : (input.url ?? String(input));
    if (!new URL(address, location.href).pathname.startsWith('/elsa/')) return answer;
    const method = (init?.method ?? input.method ?? 'GET').toUpperCase();
    if (answer.ok && /\/descriptors\/activities\?/.test(address)) answer.clone().json().then(({ items }) => nameActivities(items)).catch(() => {});
    if (answer.status === 401) {
      notify('Your session is over: nothing is being saved. Sign in again in another tab, then go on here.', { href: '/sign-in', text: 'Sign in again' });
      tell({ kind: 'signed-out' });
    } else if (answer.status === 403) {
      notify('Your role does not allow this: it was not saved.');
    } else if (answer.status >= 500) {
      notify('The server could not do this: it was not saved. Try again in a moment.');
    } else if (answer.ok) {
      const notice = document.getElementById('notice');
      if (notice && method !== 'GET') notice.hidden = true;
      if (method !== 'GET' && /\/workflow-definitions/.test(address)) tell({ kind: 'saved' });
    }
    return answer;
  };

  // "Run" moves Studio to the page of the instance it started, where this host shows nothing.
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    const started = /workflows\/instances\/([^/?]+)\/view/.exec(String(url ?? ''));
    if (!started) return push(state, title, url);
    if (window.parent !== window) tell({ kind: 'instance', id: started[1] });
    else location.assign(`/instances/${started[1]}`);
  };

  // Studio's links lead to pages of its own shell, which this host has not: they go to ours, or nowhere.
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href]');
    if (!link || link.hasAttribute('download') || link.closest('#notice')) return;
    const to = new URL(link.href, location.href);
    if (to.protocol === 'blob:' || (to.hash && to.href.split('#')[0] === location.href.split('#')[0])) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const [, kind, id] = /\/workflows\/(definition|instance)s\/([^/]+)/.exec(to.pathname) ?? [];
    if (kind && window.parent !== window) tell({ kind, id: decodeURIComponent(id) });
    else if (kind) location.assign(kind === 'instance' ? `/instances/${id}` : `/journeys/${id}/design`);
    else if (to.origin !== location.origin) window.open(to, '_blank', 'noopener');
  }, { capture: true });

  // What is told there is for developers of Elsa, or means nothing to this server.
  const hiddenTabs = new Set(['Output', 'Test', 'Info', 'Log', 'Code View', 'Commit Strategy', 'Input/Output', 'Version history', 'Resilience']);
  const hiddenRows = new Set(['Structured Logs']);
  const typeByName = new Map();
  const nameActivities = (descriptors) => {
    for (const { displayName, typeName, isBrowsable } of descriptors) if (isBrowsable) typeByName.set(displayName, typeName);
  };

  /** Hides what is not for marketers, and notes the type of each activity that is offered, so that it gets its icon. */
  const dress = () => {
    for (const tab of document.querySelectorAll('.mud-tab:not([hidden])')) tab.hidden = hiddenTabs.has(tab.textContent.trim());
    for (const row of document.querySelectorAll('tr:not([hidden])')) row.hidden = hiddenRows.has(row.cells[0]?.textContent.trim());
    for (const item of document.querySelectorAll('[draggable=true]:not([data-activity])')) {
      const type = typeByName.get(item.textContent.trim());
      if (type) item.dataset.activity = type;
    }
  };

  // Studio opens a canvas at full size with its middle in the middle, so that of a long journey one sees neither the beginning nor the shape.
  const readable = 0.6;
  const margin = 40;
  const fit = (graph) => {
    graph.zoomToFit({ padding: margin, minScale: readable, maxScale: 1 });
    const [all, scale, { width, height }] = [graph.getContentArea(), graph.zoom(), graph.container.getBoundingClientRect()];
    const beginnings = graph.getNodes().filter((node) => !graph.getIncomingEdges(node)?.length);
    const first = (beginnings.length > 0 ? beginnings : graph.getNodes()).map((node) => node.getBBox()).sort((a, b) => a.x - b.x)[0];
    const place = graph.translate();
    const isTooWide = all.width * scale > width - margin;
    const isTooHigh = all.height * scale > height - margin;
    if (isTooWide || isTooHigh) graph.translate(isTooWide ? margin - first.x * scale : place.tx, isTooHigh ? height / 2 - first.getCenter().y * scale : place.ty);
  };

  let isTouched = false;
  for (const deed of ['pointerdown', 'keydown', 'wheel']) document.addEventListener(deed, () => { isTouched = true; }, { capture: true, once: true });

  /** Fits the canvas once it is drawn, and again where Studio moves it then, unless somebody has done something here. */
  const fitWhenDrawn = async () => {
    const { graphBindings } = await import(new URL('_content/Elsa.Studio.Workflows.Designer/designer.entry.js', document.baseURI));
    const graph = Object.values(graphBindings)[0]?.graph;
    if (!graph || isTouched) return;
    const centre = graph.centerContent;
    graph.centerContent = (options) => (isTouched ? centre.call(graph, options) : fit(graph));
    fit(graph);
  };

  /** The panel at the right holds little, the one below holds the forms. */
  const shareRoom = (element) => {
    const share = (splitter, part) => {
      const panes = [...(splitter?.children ?? [])].filter((child) => child.classList.contains('rz-splitter-pane'));
      if (panes.length !== 2) return;
      panes[0].style.flexBasis = `${100 - part}%`;
      panes[1].style.flexBasis = `${part}%`;
    };
    const beside = element.querySelector('.rz-splitter-horizontal .rz-splitter-horizontal');
    share(beside, Math.min(35, 26_000 / (beside?.clientWidth || 1)));
    share(element.querySelector('.rz-splitter-vertical'), 42);
  };

  const open = () => {
    const host = document.getElementById('studio');
    const element = document.createElement(instance ? 'elsa-workflow-instance-viewer' : 'elsa-workflow-definition-editor');
    element.setAttribute('remote-endpoint', `${location.origin}/elsa/api`);
    if (instance) element.setAttribute('instance-id', instance);
    else element.setAttribute('definition-id', definition ?? '');
    customElements.whenDefined(element.localName).then(() => {
      element.editWorkflowDefinition = (id) => tell({ kind: 'definition', id });
    });
    host.append(element);

    const loading = document.getElementById('loading');
    let isFitted = false;
    new MutationObserver(() => {
      if (loading.isConnected && element.querySelector('.mud-splitter, .x6-graph, .mud-paper, .mud-toolbar')) {
        loading.remove();
        shareRoom(element);
        tell({ kind: 'ready' });
      }
      if (!isFitted && element.querySelector('.x6-node elsa-activity-wrapper')) {
        isFitted = true;
        void fitWhenDrawn();
      }
      dress();
    }).observe(document.body, { childList: true, subtree: true });
  };

  document.addEventListener('DOMContentLoaded', () => {
    if (definition || instance) {
      open();
      return;
    }
    document.getElementById('loading').remove();
    notify('This address names no journey.', { href: '/journeys', text: 'All journeys' });
  });
})();
