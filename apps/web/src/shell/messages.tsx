import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';

/** Something to tell, with something to do about it. */
interface Message {
  readonly id: number;
  readonly text: string;
  readonly kind: 'done' | 'failed';
  readonly action?: { readonly label: string; readonly run: () => void } | undefined;
}

const messages = signal<readonly Message[]>([]);
const spoken = signal('');
let count = 0;

/** Shows a message for a while. */
export function tell(text: string, { kind = 'done', action }: Partial<Pick<Message, 'kind' | 'action'>> = {}): void {
  count += 1;
  messages.value = [...messages.value.slice(-2), { id: count, text, kind, action }];
}

/** Says something to those who do not see the page, when nothing else is being said. */
export function announce(text: string): void {
  spoken.value = spoken.peek() === text ? `${text}\u00a0` : text; // what is the same is not said again
}

function dismiss(id: number): void {
  messages.value = messages.value.filter((message) => message.id !== id);
}

/** The corner where messages are, and the place that screen readers listen to. */
export function Messages() {
  return (
    <section class="messages" aria-label="Messages">
      <p class="unseen" role="status">
        {spoken}
      </p>
      <div class="stack" role="status">
        {messages.value.map((message) => (
          <MessageItem key={message.id} message={message} />
        ))}
      </div>
    </section>
  );
}

function MessageItem({ message: { id, text, kind, action } }: { readonly message: Message }) {
  const item = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // It waits for whoever is about to use it.
    const lasts = action === undefined ? 6000 : 15_000;
    const timer = setInterval(() => {
      if (item.current?.matches(':hover, :focus-within') !== true) dismiss(id);
    }, lasts);
    return () => clearInterval(timer);
  }, [id, action]);
  return (
    <div ref={item} class={`message ${kind}`}>
      <span>{text}</span>
      {action && (
        <button
          type="button"
          class="plain"
          onClick={() => {
            dismiss(id);
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" class="icon" aria-label="Dismiss" onClick={() => dismiss(id)}>
        <Icon name="close" />
      </button>
    </div>
  );
}
