import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';

import { SearchIcon } from './icons';

// A list need not be searched, nor the address changed, at every letter.
const PAUSE_MS = 200;

interface SearchInputProps {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
  size?: 'xs' | 'sm';
  className?: string;
}

// While somebody types, the field leads and `value` follows; otherwise the other way round.
export function SearchInput({
  label,
  placeholder,
  value,
  onChange,
  size = 'sm',
  className,
}: SearchInputProps) {
  const [text, setText] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  const tell = useDebouncedCallback(onChange, PAUSE_MS);
  useEffect(() => {
    if (document.activeElement !== field.current) setText(value);
  }, [value]);
  return (
    <TextInput
      ref={field}
      className={className}
      size={size}
      type="search"
      aria-label={label}
      placeholder={placeholder}
      leftSection={<SearchIcon size={size === 'xs' ? 14 : 16} />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        tell(event.currentTarget.value);
      }}
      // Whoever goes on to the next field has finished here.
      onBlur={() => tell.flush()}
    />
  );
}
