import { createTheme } from '@mantine/core';

// Fonts of the system only: nothing is fetched from elsewhere.
export const theme = createTheme({
  primaryColor: 'violet',
  primaryShade: { light: 8, dark: 7 },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Ubuntu, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
  respectReducedMotion: true,
  components: {
    Modal: { defaultProps: { centered: true, radius: 'lg' } },
  },
});
