import { revealInvisible } from '@/lib/format';

// A text that came from outside. React makes it text, never markup; here it is also isolated, so that
// its writing direction ends with it, and characters that would hide or reverse something are shown.
export function OutsideText({
  text,
  fallback = '–',
}: {
  text: string | undefined | null;
  fallback?: string;
}) {
  if (!text) return <>{fallback}</>;
  return <bdi>{revealInvisible(text)}</bdi>;
}
