/** The OpenAPI document of a contract, and a page that shows it. */
export { type Asset, docsAssets, docsContentSecurityPolicy, readAsset } from './docs-page.ts';
export { type DocumentInfo, openApiDocument } from './document.ts';
export type { CredentialPlaces, DescribeAccess, DescribedAccess } from './security.ts';
