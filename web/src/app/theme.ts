import { createTheme, type CSSVariablesResolver } from '@mantine/core';

// Fonts of the system only: nothing is fetched from elsewhere.
export const theme = createTheme({
  primaryColor: 'violet',
  // A dark that is a little blue, as the rest of the page.
  colors: {
    dark: [
      '#dfe2ec',
      '#c3c8d6',
      '#a0a6b8',
      '#7b8296',
      '#3a4052',
      '#2d3140',
      '#232735',
      '#1a1d28',
      '#12141c',
      '#0c0e14',
    ],
  },
  primaryShade: { light: 8, dark: 7 },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Ubuntu, sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
  respectReducedMotion: true,
  components: {
    Modal: {
      defaultProps: { centered: true, radius: 'lg' },
      styles: { title: { fontWeight: 650, paddingInlineEnd: 'var(--mantine-spacing-md)' } },
    },
    Drawer: { styles: { title: { fontWeight: 650, fontSize: 'var(--mantine-font-size-lg)' } } },
    SegmentedControl: {
      styles: { root: { background: 'var(--track)' }, indicator: { background: 'var(--surface)' } },
    },
  },
});

// The components' own surfaces in the colours of app.css.
const surfaces = {
  '--mantine-color-body': 'var(--surface)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-border': 'var(--line)',
  '--mantine-color-dimmed': 'var(--muted)',
};
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: surfaces,
  dark: surfaces,
});
