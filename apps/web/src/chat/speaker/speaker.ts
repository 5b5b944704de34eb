import { computed, signal } from '@preact/signals';
import { store, storedJson } from '../../parts/stored.ts';
import { caller, protectedMode } from '../../shell/caller.ts';

/** As whom one speaks. */
export interface Speaker {
  /** `0`: the local administrator, who is no user. */
  readonly id: string;
  readonly name: string;
}

/** What notes of the local administrator are signed with. */
export const localAdministrator = computed<Speaker>(() => ({ id: '0', name: caller.value?.user?.name ?? '' }));

function isSpeaker(json: unknown): json is Speaker {
  return (
    typeof json === 'object' &&
    json !== null &&
    'id' in json &&
    typeof json.id === 'string' &&
    'name' in json &&
    typeof json.name === 'string'
  );
}

const chosen = signal(storedJson('speaker', isSpeaker));

/** The caller; in protected mode, where the caller is nobody in particular, whoever was chosen. */
export const speaker = computed<Speaker>(() => {
  if (protectedMode.value) return chosen.value ?? localAdministrator.value;
  const { id = '0', name = '' } = caller.value?.user ?? {};
  return { id, name };
});

/** Chooses as whom to speak, in protected mode. */
export function speakAs({ id, name }: Speaker): void {
  chosen.value = { id, name };
  store('speaker', JSON.stringify(chosen.value));
}
