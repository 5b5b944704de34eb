import { type Problem, sentence } from '../calls/problem.ts';

/** Says why something did not work, and gives another try where one may help. */
export function Trouble({
  problem,
  onRetry,
}: {
  readonly problem: Problem | undefined;
  readonly onRetry?: () => void;
}) {
  if (problem === undefined) return null;
  return (
    <div class="trouble" role="alert">
      <p>{sentence(problem)}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
