import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** What an input needs of its field. */
export interface InputNames {
  readonly id: string;
  readonly 'aria-describedby'?: string;
  readonly 'aria-invalid'?: true;
}

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  /** What is wrong with its value. */
  readonly wrong?: string | undefined;
  readonly children: (names: InputNames) => ComponentChildren;
}

/** An input with its label, and what there is to say about it. */
export function Field({ label, hint, wrong, children }: FieldProps) {
  const id = useId();
  const note = wrong ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        ...(note !== undefined && { 'aria-describedby': `${id}-note` }),
        ...(wrong !== undefined && { 'aria-invalid': true }),
      })}
      {note !== undefined && (
        <p id={`${id}-note`} class={wrong === undefined ? 'hint' : 'wrong'}>
          {note}
        </p>
      )}
    </div>
  );
}
