import type { User } from './user.ts';

/** What people can change of a user; an age of null is not known. */
export interface Fields {
  readonly name: string;
  readonly email: string;
  readonly age: number | null;
  readonly type: User['type'];
}

/** For each field that both have changed, whose value to keep. */
export type Choices = Partial<Record<keyof Fields, 'mine' | 'theirs'>>;

/** The fields that somebody else has changed meanwhile, and so have I, to something else. */
export function contested(before: Fields, mine: Fields, theirs: Fields): (keyof Fields)[] {
  const names: (keyof Fields)[] = ['name', 'email', 'age', 'type'];
  return names.filter(
    (name) => before[name] !== theirs[name] && before[name] !== mine[name] && mine[name] !== theirs[name],
  );
}

/** What comes of both: theirs where I changed nothing, mine where they did not, and what was chosen where both did. */
export function merged(before: Fields, mine: Fields, theirs: Fields, choices: Choices): Fields {
  const pick = <Name extends keyof Fields>(name: Name): Fields[Name] => {
    if (before[name] === mine[name] || choices[name] === 'theirs') return theirs[name];
    return mine[name];
  };
  return { name: pick('name'), email: pick('email'), age: pick('age'), type: pick('type') };
}
