import { useSignal } from '@preact/signals';
import type { CreateInvitationResponseJson } from '@rollcall/proto/json';
import { useEffect, useRef } from 'preact/hooks';
import { call } from '../calls/call.ts';
import { type Problem, problemIn } from '../calls/problem.ts';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Time } from '../parts/time.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { announce } from '../shell/messages.tsx';
import type { User } from './user/user.ts';

/** Makes a link by which a user signs in, and shows it: once, for it is a secret. */
export function Invitation({ user }: { readonly user: User }) {
  const made = useSignal<CreateInvitationResponseJson | undefined>(undefined);
  const problem = useSignal<Problem | undefined>(undefined);
  const invite = async (): Promise<void> => {
    try {
      made.value = await call<CreateInvitationResponseJson>('POST', `v1/users/${user.id}/invitations`, { body: {} });
    } catch (error) {
      problem.value = problemIn(error);
    }
  };
  const { link, expireTime } = made.value ?? {};
  if (link !== undefined) return <Link link={link} name={user.name} expireTime={expireTime} />;
  return (
    <>
      <button type="button" onClick={() => void invite()}>
        <Icon name="link" />
        Make a sign-in link
      </button>
      <Trouble problem={problem.value} />
    </>
  );
}

interface LinkProps {
  readonly link: string;
  readonly name: string;
  readonly expireTime: string | undefined;
}

function Link({ link, name, expireTime }: LinkProps) {
  const input = useRef<HTMLInputElement>(null);
  const copied = useSignal(false);
  useEffect(() => input.current?.focus(), []); // the button that was pressed is gone
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(link);
      copied.value = true;
      announce('The link was copied.');
    } catch {
      input.current?.focus(); // the browser forbids it: people can copy what is selected
    }
  };
  return (
    <div class="link">
      <Field label={`Link for ${name}`} hint="It works once. Whoever has it signs in as this user.">
        {(names) => (
          <input {...names} ref={input} readOnly value={link} onFocus={({ currentTarget }) => currentTarget.select()} />
        )}
      </Field>
      <div class="buttons">
        <span class="hint">
          Until <Time at={expireTime} />
        </span>
        <button type="button" onClick={() => void copy()}>
          {copied.value && <Icon name="check" />}
          {copied.value ? 'Copied' : 'Copy'}
        </button>
      </div>
    </div>
  );
}
