"""A client of the tutorial's chat, as anybody would write it: it knows that contract alone."""
import json
import sys

import grpc

import chat_server_pb2
import chat_server_pb2_grpc

channel = grpc.insecure_channel(sys.argv[1])
chat = chat_server_pb2_grpc.ChatServerStub(channel)


def show(note):
    print(json.dumps([note.name, note.message]), flush=True)


notes = chat.ChatStream(chat_server_pb2.Empty(), timeout=30)
show(next(notes))
chat.SendNote(chat_server_pb2.Note(name="python", message="hello from Python"))
show(next(notes))
show(next(notes))
notes.cancel()
