// The caller's side of HELLO and WELCOME: one HELLO with the token, or, where the peer must prove itself
// first (server_proof.hpp), one with a nonce and, once the answer proves who is there, a second one with the
// token. Pure but for the nonce.
#pragma once

#include "wire/proto/handshake.pb.h"

#include <string>

namespace stadion::net {

struct link_options;

class greeting {
public:
    // Appends what a new connection begins with.
    void begin(std::string& out, const link_options& options);

    // Takes WELCOME, and appends what follows it before anything else. False: the peer is not who it should
    // be.
    bool finish(std::string& out, const link_options& options, const v1::Welcome& welcome) const;

private:
    std::string proof_awaited_; // empty: none
};

} // namespace stadion::net
