/** The next page as a link (RFC 8288): the request's own address with another cursor. */
export function nextPageLink(url: string, nextCursor: string | null): Record<string, string> {
  if (nextCursor === null) return {};
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  searchParams.set('cursor', nextCursor);
  return { link: `<${pathname}?${searchParams.toString()}>; rel="next"` };
}
