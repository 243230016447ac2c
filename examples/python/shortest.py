import json
import os

import ciba

# {"provider": "telenor-test", "client_id": "desk-7", "client_secret": "…"}
settings = json.loads(os.environ["CIBA_SETTINGS"])

with ciba.Client(**settings) as client:
    with client.init(login_hint="+4799988791") as flow:  # the phone rings
        tokens = flow.poll()  # the person approves
print("Hello", tokens.claims["given_name"])
