/** Makes a function that runs once for all of its calls up to the next frame; at once-in-a-while where nothing is drawn. */
export function coalesced(run: () => void): () => void {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    const go = (): void => {
      due = false;
      run();
    };
    if (document.visibilityState === 'visible') requestAnimationFrame(go);
    else setTimeout(go);
  };
}
