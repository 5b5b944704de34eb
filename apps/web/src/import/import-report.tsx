import { csvLine } from '../csv/csv-line.ts';
import { save } from '../export/save-as-csv.ts';
import { Trouble } from '../parts/trouble.tsx';
import type { ImportRun } from './run.ts';

/** More refused rows are in the file that can be saved. */
const shownRows = 200;

interface ReportProps {
  readonly run: ImportRun;
  readonly onClose: () => void;
  readonly onAgain: () => void;
}

/** How an import goes, and what it has refused. */
export function Report({ run, onClose, onAgain }: ReportProps) {
  const { part, created, updated, unchanged, failed } = run.progress.value;
  const state = run.state.value;
  const titles = { running: 'Under way …', failed: 'It was interrupted', stopped: 'Stopped', done: 'Done' };
  return (
    <div class="report">
      <p role="status">{titles[state]}</p>
      <progress value={part} max={1} aria-label="Progress">
        {Math.round(part * 100)} %
      </progress>
      <dl class="sums">
        {Object.entries({ Added: created, Changed: updated, 'As they were': unchanged, Refused: failed }).map(
          ([label, count]) => (
            <div key={label} class={label === 'Refused' && count > 0 ? 'bad' : ''}>
              <dt>{label}</dt>
              <dd>{count.toLocaleString()}</dd>
            </div>
          ),
        )}
      </dl>
      <RefusedRows run={run} />
      <Trouble problem={run.problem.value} />
      <div class="buttons">
        {state === 'running' && (
          <button type="button" onClick={() => run.stop()}>
            Stop
          </button>
        )}
        {state === 'failed' && (
          <button type="button" onClick={() => void run.goOn()}>
            Go on
          </button>
        )}
        {state !== 'running' && (
          <>
            <button type="button" class="quiet" onClick={onAgain}>
              Another file
            </button>
            <button type="button" class="main" onClick={onClose}>
              Close
            </button>
          </>
        )}
      </div>
    </div>
  );
}

function RefusedRows({ run }: { readonly run: ImportRun }) {
  const { refused } = run;
  if (refused.length === 0) return null;
  const saveAll = (): void => {
    const lines = refused.map(({ line, field, why }) => csvLine([line, field, why]));
    save(new Blob([csvLine(['line', 'field', 'why']), ...lines], { type: 'text/csv' }), 'refused.csv');
  };
  return (
    <>
      <div class="refused" role="region" aria-label="Refused rows" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Line</th>
              <th scope="col">Field</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {refused.slice(0, shownRows).map(({ line, field, why }) => (
              <tr key={line}>
                <td>{line}</td>
                <td>{field}</td>
                <td>{why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="button" class="plain" onClick={saveAll}>
        Save all {refused.length.toLocaleString()} with reasons
      </button>
    </>
  );
}
