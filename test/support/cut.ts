/** The text of a body as far as it came, and whether it was cut off instead of being ended. Behaviour 7.5. */
export const readUntilCut = async (response: {
  readonly body: AsyncIterable<Uint8Array> | null;
}): Promise<{ readonly text: string; readonly isCut: boolean }> => {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const piece of response.body ?? []) text += decoder.decode(piece, { stream: true });
    return { text, isCut: false };
  } catch {
    return { text, isCut: true };
  }
};
