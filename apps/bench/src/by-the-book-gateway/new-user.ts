import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import { user } from '@rollcall/proto';
import { emailPattern, idPattern, namePattern } from '../gateway/user-schema.ts';

const emails = new RegExp(emailPattern);
const ids = new RegExp(idPattern);
const names = new RegExp(namePattern, 'u');

/** The body of POST /v1/users. */
export class NewUser {
  readonly id?: string;
  readonly name!: string;
  readonly email?: string;
  readonly age?: number;
  readonly type?: keyof typeof user.UserType;
}

/** Lets an id through that a user can have. */
@Injectable()
export class UserIdPipe implements PipeTransform<string, string> {
  transform(id: string): string {
    if (!ids.test(id)) throw new BadRequestException(['id must be a whole number']);
    return id;
  }
}

/** Lets a body through that keeps to the rules of the contract. */
@Injectable()
export class NewUserPipe implements PipeTransform<Partial<NewUser>, NewUser> {
  transform(body: Partial<NewUser>): NewUser {
    const { id, name, email, age, type } = body;
    const problems: string[] = [];
    if (id !== undefined && !(typeof id === 'string' && ids.test(id))) problems.push('id must be a whole number');
    if (typeof name !== 'string' || name === '' || Array.from(name).length > 200 || !names.test(name))
      problems.push('name must be 1 to 200 characters, none of them a control character');
    if (
      email !== undefined &&
      email !== '' &&
      !(typeof email === 'string' && email.length <= 254 && emails.test(email))
    )
      problems.push('email must be a valid email address');
    if (age !== undefined && !(Number.isInteger(age) && age >= 0 && age <= 150))
      problems.push('age must be a whole number from 0 to 150');
    if (type !== undefined && typeof user.UserType[type] !== 'number') problems.push('type must be a user type');
    if (problems.length > 0) throw new BadRequestException(problems);
    return { ...body, name: name ?? '' };
  }
}
