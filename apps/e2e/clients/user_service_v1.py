"""A client of rollcall.user.v1.UserService: the call of the README, and an error with its details."""
import json
import sys

import grpc
from rollcall.user.v1 import user_pb2, user_service_pb2 as pb, user_service_pb2_grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    users = user_service_pb2_grpc.UserServiceStub(channel)
    print(json.dumps({"name": users.GetUser(pb.GetUserRequest(id=1)).user.name}))
    questions = iter([pb.LookupUsersRequest(id=1), pb.LookupUsersRequest(id=99)])
    found = [(result.id, result.found) for answer in users.LookupUsers(questions) for result in answer.results]
    print(json.dumps({"found": found}))
    try:
        users.CreateUser(pb.CreateUserRequest(user=user_pb2.User(name="Ada", age=151)), timeout=5)
    except grpc.RpcError as error:
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        print(json.dumps({"error": [error.code().name, error.details(), b"INVALID_FIELD" in details]}))
