import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const sea: MantineColorsTuple = ['#eaf4ff', '#d3e5fa', '#a4c9f4', '#72acef', '#4a93ea', '#3083e8', '#1f76dc', '#1769c2', '#0d59ab', '#004c96'];

export const theme = createTheme({
  colors: { sea },
  primaryColor: 'sea',
  primaryShade: 7,
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  defaultRadius: 'md',
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.375rem' }, h2: { fontSize: '1.05rem' }, h3: { fontSize: '0.95rem' } } },
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'sm' } },
    Table: { defaultProps: { verticalSpacing: 'xs', horizontalSpacing: 'md', highlightOnHover: true } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300 } },
    Modal: { defaultProps: { centered: true, closeButtonProps: { 'aria-label': 'Close' } } },
  },
});

/** Mantine's faint colours are too faint to read for many: WCAG asks for 4.5 to 1. */
export const cssVariables: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#5b6572',
    ...Object.fromEntries(Object.keys(colors).map((name) => [`--mantine-color-${name}-light-color`, `color-mix(in srgb, var(--mantine-color-${name}-9) 72%, black)`])),
  },
  dark: { '--mantine-color-dimmed': '#a3abb5' },
});
