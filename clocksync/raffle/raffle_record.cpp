// The raffle's exported record: writing it and checking it.
#include "clocksync/raffle/raffle.hpp"

#include <nlohmann/json.hpp>

namespace stadion::clocksync {
namespace {

using nlohmann::json;

std::string line_of(const json& object) {
    return object.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

json draw_object(const raffle_draw& draw) {
    return {{"draw",
             {{"number", draw.number},
              {"request", draw.request},
              {"client", draw.client},
              {"client_request", draw.client_request},
              {"server", draw.server},
              {"hash", draw.hash}}}};
}

// Replays a record line by line; every `check_` throws nlohmann's exceptions for missing or mistyped fields.
class verifier {
public:
    wire::result<void> take(const json& line) {
        if (line.contains("raffle")) return take_begin(line.at("raffle"));
        if (raffle_.empty()) return wrong("the record does not begin with a \"raffle\" line");
        if (line.contains("run")) return take_run(line.at("run"));
        if (line.contains("draw")) return take_draw(line.at("draw"));
        if (line.contains("end")) return take_end(line.at("end"));
        return wrong("neither \"run\" nor \"draw\" nor \"end\"");
    }
    wire::result<record_summary> finish() const {
        if (!ended_) return wire::make_error(wire::status::data_loss, "the record has no \"end\" line");
        return summary_;
    }

private:
    static wire::error wrong(std::string message) {
        return wire::make_error(wire::status::data_loss, std::move(message));
    }

    wire::result<void> take_begin(const json& begin) {
        if (!raffle_.empty()) return wrong("a second \"raffle\" line");
        summary_.every = begin.at("every").get<std::uint32_t>();
        summary_.first_request = summary_.requests = begin.at("requests").get<std::uint64_t>();
        summary_.hash = begin.at("hash").get<std::string>();
        if (summary_.every == 0 || summary_.hash.size() != 64)
            return wrong("\"every\" or \"hash\" is impossible");
        raffle_settings settings;
        settings.every = summary_.every;
        raffle_.emplace_back(settings); // detects repetitions
        return {};
    }

    wire::result<void> take_run(const json& object) {
        if (!due_.empty()) return wrong("draw " + std::to_string(due_.front().number) + " is missing");
        const request_run run{object.at("server").get<server_id>(), object.at("client").get<std::string>(),
                              object.at("first").get<std::uint64_t>(),
                              object.at("count").get<std::uint64_t>()};
        const std::uint64_t before = raffle_.front().requests();
        raffle_.front().deliver(run.server, encode_runs({run}));
        if (run.count == 0 || raffle_.front().requests() != before + run.count)
            return wrong("requests of client " + run.client + " are counted twice");

        summary_.hash = next_hash(summary_.hash, run);
        const std::uint64_t counted = summary_.requests;
        summary_.requests += run.count;
        for (std::uint64_t number = counted / summary_.every + 1;
             number * summary_.every <= summary_.requests; ++number) {
            const std::uint64_t request = number * summary_.every;
            due_.push_back({number, request, run.client, run.first + (request - counted - 1), run.server,
                            summary_.hash});
        }
        return {};
    }

    wire::result<void> take_draw(const json& draw) {
        if (due_.empty()) return wrong("a draw that nobody won");
        if (draw != draw_object(due_.front()).at("draw"))
            return wrong("draw " + std::to_string(due_.front().number) + " must be " +
                         draw_object(due_.front()).dump());
        due_.pop_front();
        ++summary_.draws;
        return {};
    }

    wire::result<void> take_end(const json& end) {
        if (!due_.empty()) return wrong("draw " + std::to_string(due_.front().number) + " is missing");
        if (end.at("requests") != summary_.requests) return wrong("the number of requests differs");
        if (end.at("hash") != summary_.hash) return wrong("the hash differs");
        ended_ = true;
        return {};
    }

    std::vector<raffle> raffle_; // none before the first line
    std::deque<raffle_draw> due_;
    record_summary summary_;
    bool ended_ = false;
};

} // namespace

raffle_record raffle::take_record() const {
    return {settings_.every, requests_before_, hash_before_, runs_, draws_, requests_, hash_};
}

std::string raffle_record::text() const {
    std::string out =
        line_of({{"raffle", {{"every", every}, {"requests", requests_before}, {"hash", hash_before}}}});
    auto draw = draws.begin();
    while (draw != draws.end() && draw->request <= requests_before) ++draw;
    std::uint64_t counted = requests_before;
    for (const request_run& run : runs) {
        out += line_of(
            {{"run",
              {{"server", run.server}, {"client", run.client}, {"first", run.first}, {"count", run.count}}}});
        counted += run.count;
        for (; draw != draws.end() && draw->request <= counted; ++draw) out += line_of(draw_object(*draw));
    }
    return out + line_of({{"end", {{"requests", requests}, {"hash", hash}}}});
}

wire::result<record_summary> verify_record(std::string_view record) {
    verifier check;
    for (std::size_t number = 1; !record.empty(); ++number) {
        const std::size_t end = std::min(record.find('\n'), record.size());
        const std::string_view text = record.substr(0, end);
        record.remove_prefix(std::min(end + 1, record.size()));
        const auto at = [number](const std::string& what) {
            return wire::make_error(wire::status::data_loss, "line " + std::to_string(number) + ": " + what);
        };
        try {
            if (const auto taken = check.take(json::parse(text)); !taken) return at(taken.error().message);
        } catch (const json::exception& failure) {
            return at(failure.what());
        }
    }
    return check.finish();
}

} // namespace stadion::clocksync
