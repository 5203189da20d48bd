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

  const hiddenTabs = new Set(['Output', 'Test', 'Info', 'Log', 'Code View', 'Commit Strategy', 'Input/Output', 'Version history', 'Resilience']);
  const hideForMarketers = (root) => {
    for (const tab of root.querySelectorAll('.mud-tab')) {
      const text = tab.textContent.trim();
      if (hiddenTabs.has(text)) tab.style.display = 'none';
    }
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
    new MutationObserver(() => {
      if (loading.isConnected && element.querySelector('.mud-splitter, .x6-graph, .mud-paper, .mud-toolbar')) {
        loading.remove();
        tell({ kind: 'ready' });
      }
      hideForMarketers(document);
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
