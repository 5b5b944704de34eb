import { effect, signal } from '@preact/signals';
import { store, stored } from '../parts/stored.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const kept = stored('theme');
export const theme = signal<Theme>(themes.find((each) => each === kept) ?? 'system');

/** All colours are written as `light-dark(…)`, which follows `color-scheme`. */
effect(() => {
  document.documentElement.dataset['theme'] = theme.value;
  store('theme', theme.value === 'system' ? undefined : theme.value);
});
