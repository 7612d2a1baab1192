// Icons as inline SVG: nothing is fetched, and no emoji font is needed. All are decoration; the text
// beside them says the same.
import type { ReactNode } from 'react';

interface IconProps {
  size?: number;
}

function Icon({ size = 18, children }: IconProps & { children: ReactNode }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={2}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
      style={{ flex: 'none' }}
    >
      {children}
    </svg>
  );
}

function icon(children: ReactNode) {
  return function NamedIcon(props: IconProps) {
    return <Icon {...props}>{children}</Icon>;
  };
}

export const TentacleIcon = icon(
  <>
    <path d="M6 13V9.5a6 6 0 0 1 12 0V13" fill="currentColor" fillOpacity={0.18} />
    <path d="M6 13c0 3-1 4.5-3.5 4.5M9.5 14v3.5c0 2-1 3.5-3 3.5M14.5 14v3.5c0 2 1 3.5 3 3.5M18 13c0 3 1 4.5 3.5 4.5M12 15v4" />
    <path d="M9.8 10v.01M14.2 10v.01" />
  </>,
);
export const ServerIcon = icon(
  <>
    <rect x="3" y="4" width="18" height="7" rx="2" />
    <rect x="3" y="13" width="18" height="7" rx="2" />
    <path d="M7 7.5v.01M7 16.5v.01M11 7.5h6M11 16.5h6" />
  </>,
);
export const SearchIcon = icon(
  <>
    <circle cx="11" cy="11" r="7" />
    <path d="m20 20-4-4" />
  </>,
);
export const PlusIcon = icon(<path d="M12 5v14M5 12h14" />);
export const CopyIcon = icon(
  <>
    <rect x="9" y="9" width="11" height="11" rx="2" />
    <path d="M5 15V6a2 2 0 0 1 2-2h8" />
  </>,
);
export const CheckIcon = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const CrossIcon = icon(<path d="M6 6l12 12M18 6 6 18" />);
export const ClockIcon = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M12 7v5l3 2" />
  </>,
);
export const PowerIcon = icon(<path d="M12 3v8M6.5 6.5a8 8 0 1 0 11 0" />);
export const AlertIcon = icon(
  <>
    <path d="M12 3 2.5 20h19L12 3z" />
    <path d="M12 10v4M12 17v.01" />
  </>,
);
export const BackIcon = icon(<path d="M15 5l-7 7 7 7" />);
export const NextIcon = icon(<path d="M9 5l7 7-7 7" />);
export const RadarIcon = icon(
  <>
    <path d="M20.5 8.5A9 9 0 1 0 21 12" />
    <path d="M16.5 10A5 5 0 1 0 17 12M12 12l7-7" />
  </>,
);
export const DiskIcon = icon(
  <>
    <ellipse cx="12" cy="6" rx="8" ry="3" />
    <path d="M4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3" />
  </>,
);
export const PlayIcon = icon(<path d="M7 4.5v15l12-7.5-12-7.5z" />);
export const DownloadIcon = icon(<path d="M12 4v11M7 11l5 5 5-5M5 20h14" />);
export const LinkIcon = icon(
  <path d="M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1" />,
);
export const SignOutIcon = icon(
  <path d="M14 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8M10 12h11M17 8l4 4-4 4" />,
);
export const TrashIcon = icon(<path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13" />);
export const SparkIcon = icon(<path d="M12 3v5M12 16v5M3 12h5M16 12h5" />);
export const InfoIcon = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M12 11v5M12 8v.01" />
  </>,
);
export const LogIcon = icon(<path d="M4 6h3M10 6h10M4 12h3M10 12h10M4 18h3M10 18h6" />);
export const BanIcon = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M6 6l12 12" />
  </>,
);
