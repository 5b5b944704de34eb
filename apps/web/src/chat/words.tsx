const address = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}'])/;

/** A text, in which addresses are links. */
export function Words({ text }: { readonly text: string }) {
  return (
    <>
      {text.split(address).map((part, index) =>
        index % 2 === 1 ? (
          <a key={index} href={part} target="_blank" rel="noopener noreferrer nofollow">
            {part}
          </a>
        ) : (
          part
        ),
      )}
    </>
  );
}
