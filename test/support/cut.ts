/** The text of a body as far as it came, and whether it was cut off instead of being ended. BEHAVIOUR 7.5. */
export const readUntilCut = async (
  response: Response,
): Promise<{ readonly text: string; readonly isCut: boolean }> => {
  const decoder = new TextDecoder();
  let text = '';
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const piece = await reader?.read();
      if (piece === undefined || piece.done) return { text, isCut: false };
      text += decoder.decode(piece.value, { stream: true });
    }
  } catch {
    return { text, isCut: true };
  }
};
