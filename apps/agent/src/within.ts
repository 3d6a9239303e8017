/** Whether the work has settled in time. Its failure is its owner's to hear. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = Promise.withResolvers<false>();
  const timer = setTimeout(() => over.resolve(false), ms);
  const settled = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
