/* Plain keys typed in a panel must not reach the notebook's command mode, where `a` inserts a
   cell; they go to the panel's key field, if it has one. Shortcuts with Ctrl, Alt or Meta (save,
   undo) keep working. One listener serves all panels of a page. */
function keep(event) {
  const panel = event.target.closest && event.target.closest('.toolkit-panel');
  if (!panel) return;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  // JupyterLab matches from the focused element upwards, so the mark has to be on it.
  event.target.toggleAttribute('data-lm-suppress-shortcuts', plain);
  const typing = event.target.matches('input:not([type=checkbox]):not([type=radio]), textarea, select');
  const field = panel.querySelector('.toolkit-keys input');
  if (plain && !typing && field && event.key.length === 1 && event.key !== ' ') field.focus();
}

export default {
  initialize() {
    if (window.toolkitKeys) return;
    window.toolkitKeys = true;
    window.addEventListener('keydown', keep, true);
  },
};
