import 'grapesjs/dist/css/grapes.min.css';
import './grapes.css';
import { ActionIcon, Group, SegmentedControl, Text } from '@mantine/core';
import { IconArrowBackUp, IconArrowForwardUp } from '@tabler/icons-react';
import grapesjs, { type Editor } from 'grapesjs';
import mjml from 'grapesjs-mjml';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import classes from './templates.module.css';

const calm = 400;

/** Blocks put together by hand, compiled to a mail's HTML in the browser. The text is taken once, when it opens. */
export function VisualEditor({ mjml: source, onChange, onError }: { mjml: string; onChange: (mjml: string, html: string) => void; onError: (error: unknown) => void }) {
  const [canvas, blocks, traits, styles] = [useRef<HTMLDivElement>(null), useRef<HTMLDivElement>(null), useRef<HTMLDivElement>(null), useRef<HTMLDivElement>(null)];
  const initial = useRef(source);
  const [editor, setEditor] = useState<Editor | null>(null);
  const changed = useEffectEvent(onChange);
  const failed = useEffectEvent(onError);
  useEffect(() => {
    const opened = grapesjs.init({
      container: canvas.current!,
      height: '100%',
      storageManager: false,
      telemetry: false,
      cssIcons: '',
      noticeOnUnload: false,
      panels: { defaults: [] },
      blockManager: { appendTo: blocks.current! },
      traitManager: { appendTo: traits.current! },
      styleManager: { appendTo: styles.current! },
      plugins: [(instance) => mjml(instance, { fonts: {}, imagePlaceholderSrc: '/picture.svg', useCustomTheme: false })],
      components: initial.current,
      // What no reader sees in a mail's body need not stand above it here.
      canvasCss: '[data-gjs-type="mj-head"] { display: none; }',
    });
    const compile = () => {
      try {
        const { html } = opened.runCommand('mjml-code-to-html') as { html: string };
        changed(opened.runCommand('mjml-code') as string, html);
      } catch (error) {
        failed(error);
      }
    };
    let timer: ReturnType<typeof setTimeout>;
    opened.on('load', () => {
      opened.Canvas.getFrameEl().title = 'The mail’s blocks';
      setEditor(opened);
      compile();
      opened.on('update', () => {
        clearTimeout(timer);
        timer = setTimeout(compile, calm);
      });
    });
    return () => {
      clearTimeout(timer);
      opened.destroy();
    };
  }, [canvas, blocks, traits, styles]);
  return (
    <div className={classes.visual}>
      <div className={classes.side} tabIndex={0} role="region" aria-label="Blocks">
        <Text size="xs" fw={600} p="xs">Blocks</Text>
        <div ref={blocks} />
      </div>
      <div className={classes.middle}>
        <Group justify="space-between" px="xs" py={4} className={classes.bar}>
          {editor && <SegmentedControl size="xs" aria-label="Width" defaultValue="Desktop" data={['Desktop', 'Mobile portrait'].map((value) => ({ value, label: value.split(' ')[0]! }))} onChange={(device) => editor.setDevice(device)} />}
          <Group gap={4} ml="auto">
            <ActionIcon variant="subtle" color="gray" aria-label="Undo" onClick={() => editor?.UndoManager.undo()}><IconArrowBackUp size={18} /></ActionIcon>
            <ActionIcon variant="subtle" color="gray" aria-label="Redo" onClick={() => editor?.UndoManager.redo()}><IconArrowForwardUp size={18} /></ActionIcon>
          </Group>
        </Group>
        <div className={classes.canvas}><div ref={canvas} /></div>
      </div>
      <div className={classes.side} tabIndex={0} role="region" aria-label="The chosen block">
        <Text size="xs" fw={600} p="xs">The chosen block</Text>
        <div ref={traits} />
        <div ref={styles} />
      </div>
    </div>
  );
}
