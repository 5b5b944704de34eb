import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import { type Method } from '@rollcall/contract';
import { user } from '@rollcall/proto';
import { accessRuleOf } from './access-rule.ts';

/** Who may call a method, for documents; undefined when the contract does not say. */
export function describedAccess(method: Method): { readonly anyone: boolean; readonly who: string } | undefined {
  const rule = accessRuleOf(method);
  if (rule === undefined) return undefined;
  if (rule.anyone) return { anyone: true, who: 'anyone, signed in or not' };
  const fields = [...(rule.own?.fields ?? [])].map((name) => `\`${protoCamelCase(name)}\``).join(', ');
  const own = rule.own && `${typeNames(rule.own.types)} on their own record${fields === '' ? '' : `: ${fields}`}`;
  const who = [typeNames(rule.types), own].filter((part) => part !== undefined && part !== '').join('; ');
  return { anyone: false, who };
}

function typeNames(types: ReadonlySet<number>): string {
  return [...types].map((type) => (user.UserType[type] ?? String(type)).replace(/^USER_TYPE_/, '')).join(', ');
}
