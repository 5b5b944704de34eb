import { useId } from 'preact/hooks';
import type { Fields } from './changes.ts';
import { typeName } from './user.ts';

const labels: Readonly<Record<keyof Fields, string>> = { name: 'Name', email: 'Email', age: 'Age', type: 'Type' };

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

interface ConflictProps {
  readonly before: Fields;
  readonly mine: Fields;
  readonly theirs: Fields;
  readonly choices: Choices;
  readonly onChoose: (choices: Choices) => void;
}

/** Shows what somebody else has changed meanwhile, and lets one choose. */
export function Conflict({ before, mine, theirs, choices, onChoose }: ConflictProps) {
  const group = useId();
  const fields = contested(before, mine, theirs);
  const names: (keyof Fields)[] = ['name', 'email', 'age', 'type'];
  const theirsAlone = names.filter((name) => before[name] !== theirs[name] && !fields.includes(name));
  return (
    <div class="conflict">
      <p role="alert">
        Somebody else has changed this user meanwhile.
        {fields.length > 0 ? ' Choose what to keep.' : ' Your changes do not touch theirs: save again to keep both.'}
      </p>
      {fields.map((name) => (
        <fieldset key={name}>
          <legend>{labels[name]}</legend>
          {(['mine', 'theirs'] as const).map((whose, index) => (
            <label key={whose}>
              <input
                type="radio"
                name={`${group}-${name}`}
                data-first={index === 0 && name === fields[0] ? true : undefined}
                checked={(choices[name] ?? 'mine') === whose}
                onChange={() => onChoose({ ...choices, [name]: whose })}
              />
              <span class="whose">{whose === 'mine' ? 'Mine' : 'Theirs'}</span>
              <span class="value">{shown(name, whose === 'mine' ? mine : theirs)}</span>
            </label>
          ))}
        </fieldset>
      ))}
      {theirsAlone.length > 0 && (
        <dl>
          {theirsAlone.map((name) => (
            <div key={name}>
              <dt>{labels[name]}, by them</dt>
              <dd>
                <del>{shown(name, before)}</del> <ins>{shown(name, theirs)}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function shown(name: keyof Fields, fields: Fields): string {
  if (name === 'type') return typeName(fields.type);
  const value = String(fields[name] ?? '');
  return value === '' ? 'nothing' : value;
}
