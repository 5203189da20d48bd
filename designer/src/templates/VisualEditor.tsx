import 'grapesjs/dist/css/grapes.min.css';
import './grapes.css';
import grapesjs from 'grapesjs';
import mjml from 'grapesjs-mjml';
import { useEffect, useEffectEvent, useRef } from 'react';
import classes from './templates.module.css';

const calm = 400;

/** Blocks put together by hand, compiled to a mail's HTML in the browser. The text is taken once, when it opens. */
export function VisualEditor({ mjml: source, onChange, onError }: { mjml: string; onChange: (mjml: string, html: string) => void; onError: (error: unknown) => void }) {
  const host = useRef<HTMLDivElement>(null);
  const initial = useRef(source);
  const changed = useEffectEvent(onChange);
  const failed = useEffectEvent(onError);
  useEffect(() => {
    const editor = grapesjs.init({
      container: host.current!,
      height: '100%',
      storageManager: false,
      telemetry: false,
      cssIcons: '',
      noticeOnUnload: false,
      plugins: [(opened) => mjml(opened, { fonts: {}, imagePlaceholderSrc: '/picture.svg' })],
      components: initial.current,
    });
    const compile = () => {
      try {
        const { html } = editor.runCommand('mjml-code-to-html') as { html: string };
        changed(editor.runCommand('mjml-code') as string, html);
      } catch (error) {
        failed(error);
      }
    };
    let timer: ReturnType<typeof setTimeout>;
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(compile, calm);
    };
    editor.on('load', () => {
      compile();
      editor.on('update', soon);
    });
    return () => {
      clearTimeout(timer);
      editor.destroy();
    };
  }, []);
  return <div className={classes.visual}><div ref={host} /></div>;
}
