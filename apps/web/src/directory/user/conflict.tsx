import { useId } from 'preact/hooks';
import { type Choices, contested, type Fields } from './merge.ts';
import { typeName } from './user.ts';

const labels: Readonly<Record<keyof Fields, string>> = { name: 'Name', email: 'Email', age: 'Age', type: 'Type' };

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
