import { Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';

const units: [Intl.RelativeTimeFormatUnit, number][] = [['year', 31_536_000], ['month', 2_592_000], ['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const absolute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** An instant as people say it; with `toTheSecond` also what is less than a minute away. */
export function describeInstant(instant: string, now: number, toTheSecond = false): string {
  const seconds = (Date.parse(instant) - now) / 1000;
  const unit = units.find(([name, length]) => Math.abs(seconds) >= length && (toTheSecond || name !== 'second'));
  return unit ? relative.format(Math.round(seconds / unit[1]), unit[0]) : seconds > 5 ? 'in a moment' : 'just now';
}

/** An instant as people say it, with the exact one on hover; kept current. With `asOf` it is told to the second, as it was then by the server's clock. */
export function Moment({ at, asOf }: { at: string | null | undefined; asOf?: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span className="faint">–</span>;
  return (
    <Tooltip label={exact.format(new Date(at))}>
      <time dateTime={at}>{asOf ? describeInstant(at, Date.parse(asOf), true) : describeInstant(at, now)}</time>
    </Tooltip>
  );
}

export function Instant({ at }: { at: string }) {
  return <time dateTime={at}>{absolute.format(new Date(at))}</time>;
}
