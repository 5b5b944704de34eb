/** Strokes on a grid of 24. */
const paths = {
  add: 'M12 5v14M5 12h14',
  check: 'M5 13l4 4L19 7',
  close: 'M6 6l12 12M18 6L6 18',
  search: 'M11 4a7 7 0 1 1 0 14a7 7 0 0 1 0-14zM16 16l4.5 4.5',
  up: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  upload: 'M12 16V4M7 9l5-5 5 5M4 16v4h16v-4',
  download: 'M12 4v12M7 11l5 5 5-5M4 16v4h16v-4',
  people:
    'M9 4.5a3.5 3.5 0 1 1 0 7a3.5 3.5 0 0 1 0-7zM2.5 20c.5-4 3-6 6.500-6s6 2 6.500 6M16 5a3.200 3.200 0 0 1 0 6.200M18 14.500c2 .8 3.200 2.700 3.500 5.500',
  chat: 'M4 5h16v11H10l-5 4v-4H4z',
  person: 'M12 4a4 4 0 1 1 0 8a4 4 0 0 1 0-8zM4 21c.5-4.500 3.500-7 8-7s7.500 2.500 8 7',
  link: 'M10 14a4 4 0 0 0 5.700 0l3.500-3.500a4 4 0 0 0-5.700-5.700L12 6.300M14 10a4 4 0 0 0-5.700 0l-3.500 3.500a4 4 0 0 0 5.700 5.700L12 17.700',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  restore: 'M4 12a8 8 0 1 0 2.500-5.800M4 4v4h4',
  send: 'M4 12l16-8-5 16-3.500-6.500z',
  sun: 'M12 8a4 4 0 1 1 0 8a4 4 0 0 1 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M5 19l1.400-1.400M17.600 6.400L19 5',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z',
  system: 'M3 5h18v11H3zM8 20h8M12 16v4',
  book: 'M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11',
  clock: 'M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16zM12 8v4.500l3 2',
  warning: 'M12 4l9 16H3zM12 10v4.500M12 17v.2',
  back: 'M15 5l-7 7 7 7',
} as const;

export type IconName = keyof typeof paths;

/** A drawing beside words, or inside of something that has a name. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="drawing" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
