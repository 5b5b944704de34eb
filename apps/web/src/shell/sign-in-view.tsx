import { useSignal } from '@preact/signals';
import { type Problem, problemIn } from '../calls/problem.ts';
import { Field } from '../parts/field.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { caller, signIn } from './caller.ts';

/** For those who are nobody here yet. */
export function SignInView() {
  const link = useSignal('');
  const problem = useSignal<Problem | undefined>(undefined);
  const wrong = useSignal<string | undefined>(undefined);
  const { localSignIn, oidcIssuer } = caller.value ?? {};
  const submit = async (): Promise<void> => {
    const secret = secretIn(link.value);
    wrong.value = secret === undefined ? 'This is no link to sign in by: it has a secret behind its #.' : undefined;
    problem.value = undefined;
    if (secret === undefined) return;
    try {
      await signIn(secret);
    } catch (error) {
      problem.value = problemIn(error);
    }
  };
  return (
    <div class="card">
      <h1 tabIndex={-1}>Sign in</h1>
      {localSignIn === true ? (
        <>
          <p>Open the link that an administrator gave you, or paste it here. It works once.</p>
          <form
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              void submit();
            }}
          >
            <Field label="Your link" wrong={wrong.value}>
              {(names) => (
                <input
                  {...names}
                  type="password"
                  autocomplete="off"
                  placeholder="https://…/sign-in#…"
                  value={link.value}
                  onInput={({ currentTarget }) => (link.value = currentTarget.value)}
                />
              )}
            </Field>
            <Trouble problem={problem.value} />
            <button type="submit" class="main wide">
              Sign in
            </button>
          </form>
        </>
      ) : (
        <p>Signing in with a browser is off here. An administrator can set LOCAL_SIGN_IN=1.</p>
      )}
      {oidcIssuer && <p class="hint">Programs send tokens of {oidcIssuer}.</p>}
      <p class="hint">
        <a href="docs/">API documentation</a>
      </p>
    </div>
  );
}

/** The secret in a link, or alone. */
export function secretIn(text: string): string | undefined {
  const secret = text.trim().split('#').at(-1) ?? '';
  return /^[\w-]{8,100}$/.test(secret) ? secret : undefined;
}
