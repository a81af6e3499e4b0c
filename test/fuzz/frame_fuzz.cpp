// Feeds arbitrary bytes to the frame decoder as a connection would and checks what must hold for any input:
//
// * a complete frame lies inside the bytes given, and so do its views;
// * encoding a decoded frame gives back the bytes it came from;
// * what a prefix says never contradicts what the whole says, so reads may be split anywhere;
// * forwarding changes the id and the budget alone.
#include "wire/frame.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace stadion::wire;

constexpr std::size_t size_max = 4096; // small, so that the limit is met too

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "frame_fuzz: does not hold: %s\n", what);
    std::abort();
}

bool lies_within(std::string_view inner, std::string_view outer) {
    return inner.empty() ||
           (inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size());
}

void check_complete(std::string_view bytes, const frame& decoded) {
    require(decoded.payload.size() == bytes.size() - frame_header_size, "the payload is all but the header");
    require(lies_within(decoded.payload, bytes), "the payload lies in the input");
    require(lies_within(decoded.metadata, decoded.payload), "metadata lies in the payload");
    require(lies_within(decoded.body, decoded.payload), "the body lies in the payload");

    const bool has_metadata = (decoded.header.flags & flag_metadata) != 0;
    std::string again;
    if (has_metadata)
        append_frame(again, decoded.header, decoded.metadata, decoded.body);
    else
        append_frame(again, decoded.header, decoded.body);
    require(again == bytes, "encoding gives back the bytes decoded");

    rewrite_id_and_budget(again.data(), ~decoded.header.id, ~decoded.header.budget);
    frame forwarded;
    require(decode(again, forwarded, size_max).status == decode_status::complete,
            "a forwarded frame decodes");
    require(forwarded.header.id == ~decoded.header.id, "the id is rewritten");
    require(forwarded.header.budget == ~decoded.header.budget, "the budget is rewritten");
    require(forwarded.payload == decoded.payload, "the payload is passed on as it is");
}

// Compares what is said of the first `cut` bytes with what is said of all of them.
void check_prefix(std::string_view bytes, std::size_t cut, const decode_result& whole) {
    frame out;
    const auto part = decode(bytes.substr(0, cut), out, size_max);
    switch (part.status) {
    case decode_status::incomplete:
        require(part.size == 0 || part.size > cut, "an incomplete frame asks for more than there is");
        require(whole.status == decode_status::violation || whole.size == 0 || part.size == 0 ||
                    part.size == whole.size,
                "the size asked for is the frame's");
        break;
    case decode_status::violation:
        require(whole.status == decode_status::violation && whole.code == part.code,
                "more bytes do not heal a violation");
        break;
    case decode_status::complete:
    case decode_status::skip:
        require(whole.status == part.status && whole.size == part.size,
                "bytes behind a frame do not change it");
        break;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (;;) {
        frame out;
        const auto result = decode(bytes, out, size_max);
        for (std::size_t cut = 0; cut <= bytes.size() && cut <= 64; ++cut) check_prefix(bytes, cut, result);
        if (result.status == decode_status::violation)
            require(result.code != status::ok && !result.message.empty(), "a violation says what is wrong");
        if (result.status != decode_status::complete && result.status != decode_status::skip) return 0;
        require(result.size >= frame_header_size && result.size <= size_max,
                "a frame's size is within bounds");
        require(result.size <= bytes.size(), "a frame lies in the input");
        if (result.status == decode_status::complete) check_complete(bytes.substr(0, result.size), out);
        bytes.remove_prefix(result.size);
    }
}
