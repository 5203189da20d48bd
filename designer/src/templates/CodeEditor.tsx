import { html } from '@codemirror/lang-html';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { basicSetup } from 'codemirror';
import { useEffect, useEffectEvent, useRef } from 'react';
import classes from './templates.module.css';

/** HTML with Handlebars. The text is taken once, when it opens. */
export function CodeEditor({ text, readOnly, onChange }: { text: string; readOnly: boolean; onChange: (text: string) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const initial = useRef(text);
  const changed = useEffectEvent(onChange);
  useEffect(() => {
    const editor = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: initial.current,
        extensions: [
          basicSetup, html(), EditorView.lineWrapping, EditorView.theme({ '.cm-activeLine': { backgroundColor: 'transparent' } }), EditorState.readOnly.of(readOnly), EditorView.contentAttributes.of({ 'aria-label': 'HTML of the mail' }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString());
          }),
        ],
      }),
    });
    return () => editor.destroy();
  }, [readOnly]);
  return <div ref={host} className={classes.code} />;
}
