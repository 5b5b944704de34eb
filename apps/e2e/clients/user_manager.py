"""A client of the tutorial's UserManager, as its reader would write one in Python. Prints what it saw as JSON lines."""
import json
import sys

import grpc
import user_manager_pb2 as pb
import user_manager_pb2_grpc

SAMPLE = [
    (1, "admin", pb.User.ADMINISTRATOR),
    (2, "guest", pb.User.GUEST),
    (3, "foo", pb.User.NORMAL),
    (4, "troll", pb.User.DISABLED),
    (5, "Zaru", pb.User.NORMAL),
    (6, "Saru", pb.User.NORMAL),
]


def say(what, value):
    print(json.dumps({what: value}))


with grpc.insecure_channel(sys.argv[1]) as channel:
    users = user_manager_pb2_grpc.UserManagerStub(channel)
    for id, nickname, user_type in SAMPLE:
        user = pb.User(id=id, nickname=nickname, mail_address=f"{nickname.lower()}@example.com", user_type=user_type)
        added = users.AddUser(user)
        say("added", [added.error, added.user == user])
    again = users.AddUser(pb.User(id=1, nickname="admin"))
    say("again", [again.error, again.message])
    found = users.GetUser(pb.UserRequest(id=5))
    say("found", [found.error, found.user.nickname, found.user.mail_address])
    missing = users.GetUser(pb.UserRequest(id=99))
    say("missing", [missing.error, missing.message])
    say("count", users.CountAlreadyUsers(pb.UserRequest(id=id) for id in (1, 2, 99, 6)).user_cnt)
    by_type = users.GetUsersByType(pb.UserTypeRequest(user_type=pb.UserTypeRequest.NORMAL))
    say("by_type", [answer.user.nickname for answer in by_type])
    by_ids = users.GetUsersByIds(pb.UserRequest(id=id) for id in (6, 99, 1))
    say("by_ids", [answer.user.nickname for answer in by_ids])
