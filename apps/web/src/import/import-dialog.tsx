import { useSignal } from '@preact/signals';
import type { ImportConflictJson } from '@rollcall/proto/json';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Report } from './import-report.tsx';
import { ImportRun } from './run.ts';

const conflicts: readonly (readonly [ImportConflictJson, string])[] = [
  ['IMPORT_CONFLICT_FAIL', 'Refuse the row'],
  ['IMPORT_CONFLICT_SKIP', 'Leave the user as it is'],
  ['IMPORT_CONFLICT_UPDATE', 'Take the row'],
];

/** Takes a file of users in. */
export function ImportDialog({ onClose }: { readonly onClose: () => void }) {
  const run = useSignal<ImportRun | undefined>(undefined);
  const running = run.value?.state.value === 'running';
  return (
    <Dialog title="Import users" onClose={onClose} firm={running}>
      {run.value === undefined ? (
        <Choose onChosen={(chosen) => (run.value = chosen)} onClose={onClose} />
      ) : (
        <Report run={run.value} onClose={onClose} onAgain={() => (run.value = undefined)} />
      )}
    </Dialog>
  );
}

interface ChooseProps {
  readonly onChosen: (run: ImportRun) => void;
  readonly onClose: () => void;
}

function Choose({ onChosen, onClose }: ChooseProps) {
  const file = useSignal<File | undefined>(undefined);
  const onConflict = useSignal<ImportConflictJson>('IMPORT_CONFLICT_FAIL');
  const dryRun = useSignal(false);
  const over = useSignal(false);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (file.value !== undefined)
          onChosen(new ImportRun(file.value, { dryRun: dryRun.value, onConflict: onConflict.value }));
      }}
    >
      <div
        class={`drop ${over.value ? 'over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault();
          over.value = true;
        }}
        onDragLeave={() => (over.value = false)}
        onDrop={(event) => {
          event.preventDefault();
          over.value = false;
          file.value = event.dataTransfer?.files[0] ?? file.value;
        }}
      >
        <Icon name="upload" />
        <Field label="File" hint="NDJSON, with a user a line, or CSV, with columns such as name, email, age and type">
          {(names) => (
            <input
              {...names}
              data-first
              type="file"
              accept=".ndjson,.jsonl,.csv,.tsv,application/x-ndjson,text/csv"
              onChange={({ currentTarget }) => (file.value = currentTarget.files?.[0])}
            />
          )}
        </Field>
        {file.value && <p class="chosen">{file.value.name}</p>}
      </div>
      <Field label="If a user is there already">
        {(names) => (
          <select
            {...names}
            value={onConflict.value}
            onChange={({ currentTarget: { value } }) =>
              (onConflict.value = conflicts.find(([conflict]) => conflict === value)?.[0] ?? onConflict.value)
            }
          >
            {conflicts.map(([conflict, label]) => (
              <option key={conflict} value={conflict}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <label class="check">
        <input
          type="checkbox"
          checked={dryRun.value}
          onChange={({ currentTarget }) => (dryRun.value = currentTarget.checked)}
        />
        Only check the file, and change nothing
      </label>
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class="main" disabled={file.value === undefined}>
          {dryRun.value ? 'Check' : 'Import'}
        </button>
      </div>
    </form>
  );
}
