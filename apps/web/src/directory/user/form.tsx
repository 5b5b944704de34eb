import type { Problem } from '../../calls/problem.ts';
import { Field } from '../../parts/field.tsx';
import type { Fields } from './merge.ts';
import { isKnownType, typeNames } from './user.ts';

interface FormProps {
  readonly fields: Fields;
  readonly onChange: (fields: Fields) => void;
  readonly problem: Problem | undefined;
  /** Whether the type may be changed; of their own record, people change the rest. */
  readonly withType: boolean;
}

/** What can be changed of a user. The rules are the contract's: the service checks them, and what it says stands here. */
export function UserForm({ fields, onChange, problem, withType }: FormProps) {
  return (
    <>
      <Field label="Name" wrong={wrongIn(problem, 'name')}>
        {(names) => (
          <input
            {...names}
            data-first
            required
            maxLength={200}
            autocomplete="off"
            value={fields.name}
            onInput={({ currentTarget }) => onChange({ ...fields, name: currentTarget.value })}
          />
        )}
      </Field>
      <Field label="Email" wrong={wrongIn(problem, 'email')}>
        {(names) => (
          <input
            {...names}
            type="text"
            inputMode="email"
            maxLength={254}
            autocomplete="off"
            value={fields.email}
            onInput={({ currentTarget }) => onChange({ ...fields, email: currentTarget.value.trim() })}
          />
        )}
      </Field>
      <div class="pair">
        <Field label="Age" wrong={wrongIn(problem, 'age')}>
          {(names) => (
            <input
              {...names}
              type="number"
              min={0}
              max={150}
              step={1}
              value={fields.age ?? ''}
              onInput={({ currentTarget: { value } }) =>
                onChange({ ...fields, age: value === '' ? null : Number(value) })
              }
            />
          )}
        </Field>
        {withType && (
          <Field label="Type" wrong={wrongIn(problem, 'type')}>
            {(names) => (
              <select
                {...names}
                value={fields.type}
                onChange={({ currentTarget: { value } }) => {
                  if (isKnownType(value)) onChange({ ...fields, type: value });
                }}
              >
                {Object.entries(typeNames).map(([type, label]) => (
                  <option key={type} value={type}>
                    {label}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
      </div>
    </>
  );
}

/** What a problem says of a field. */
function wrongIn(problem: Problem | undefined, field: keyof Fields): string | undefined {
  if (problem?.reason === 'EMAIL_TAKEN' && field === 'email') return 'Another user has this address.';
  const said = problem?.fieldViolations?.find((violation) => violation.field.split('.').at(-1) === field);
  if (said?.reason === 'string.min_len') return 'This is needed.';
  return said && `This ${said.description}`.replace(/[^.]$/, '$&.');
}

/** Whether a problem stands at its fields, so that it need not be said again. */
export function isAtFields(problem: Problem | undefined): boolean {
  return (['name', 'email', 'age', 'type'] as const).some((field) => wrongIn(problem, field) !== undefined);
}
