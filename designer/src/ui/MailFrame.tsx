import { useState } from 'react';

/** A mail's HTML as it looks. Sandboxed without scripts: a mail is foreign text. Same-origin, so that its height can be measured. */
export function MailFrame({ html, title, minHeight = 240 }: { html: string; title: string; minHeight?: number }) {
  const [height, setHeight] = useState(minHeight);
  return (
    <iframe className="mail-frame" title={title} sandbox="allow-same-origin" srcDoc={html} style={{ height }}
      onLoad={(event) => setHeight(Math.max(minHeight, (event.currentTarget.contentDocument?.documentElement.scrollHeight ?? 0) + 4))} />
  );
}
