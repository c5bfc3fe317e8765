// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IStake} from "../../src/interfaces/IStake.sol";
import {Base} from "../support/Base.sol";

contract EquivocationTest is Base {
    address private constant REPORTER = address(0x4E904);
    uint96 private constant PENALTY = 400;

    function setUp() public override {
        super.setUp();
        vm.prank(provider);
        stake.stake(provider, 1000);
    }

    function lease() private view returns (IStake.Lease memory) {
        return IStake.Lease(renter, provider, LANE, START, START + 1 hours, PENALTY, 1, "terms");
    }

    /// @dev A good proof over `l`, with these keys' signatures.
    function proofBy(IStake.Lease memory l, uint256 renterKey_, uint256 providerKey_)
        private
        view
        returns (IStake.Equivocation memory p)
    {
        bytes32 id = stake.leaseDigest(l);
        p.lease = l;
        p.byRenter = sig(renterKey_, id);
        p.byProvider = sig(providerKey_, id);
        p.a = IStake.Result(id, 7, 1, "one answer", 0);
        p.b = IStake.Result(id, 7, 1, "another answer", 0);
        sign(p, providerKey_, providerKey_);
    }

    function proof() private view returns (IStake.Equivocation memory) {
        return proofBy(lease(), RENTER, PROVIDER);
    }

    function sign(IStake.Equivocation memory p, uint256 keyA, uint256 keyB) private view {
        p.sigA = sig(keyA, stake.resultDigest(p.a));
        p.sigB = sig(keyB, stake.resultDigest(p.b));
    }

    function prove(IStake.Equivocation memory p) private {
        stake.proveEquivocation(p, REPORTER);
    }

    // ---- what counts ----

    function test_ItTakesTheLeasesPenalty() external {
        IStake.Equivocation memory p = proof();
        vm.expectEmit(address(stake));
        emit IStake.Equivocated(provider, p.a.lease, 7, 1);
        vm.expectEmit(address(stake));
        emit IStake.Slashed(provider, address(this), "equivocation", 380, 20, REPORTER);
        prove(p);
        vm.assertEq(stake.stakeOf(provider), 600, "left");
        vm.assertEq(token.balanceOf(stake.BURN()), 380, "burned");
        vm.assertEq(stake.claims(REPORTER, START + LEAVE_DELAY), 20, "claim");
    }

    function test_GivenAnotherExitCode_ItCountsToo() external {
        IStake.Equivocation memory p = proof();
        p.b.outputRoot = p.a.outputRoot;
        p.b.exitCode = -9;
        sign(p, PROVIDER, PROVIDER);
        prove(p);
        vm.assertEq(stake.stakeOf(provider), 600, "left");
    }

    function test_GivenThePenaltyExceedsTheStake_ItTakesWhatIsThere() external {
        IStake.Lease memory l = lease();
        l.penalty = type(uint96).max;
        prove(proofBy(l, RENTER, PROVIDER));
        vm.assertEq(stake.stakeOf(provider), 0, "left");
        vm.assertEq(token.balanceOf(stake.BURN()), 950, "burned");
    }

    function test_GivenTheStakeIsLeaving_ItTakesItAllTheSame() external {
        vm.prank(provider);
        stake.leave(1000);
        pass(LEAVE_DELAY);
        prove(proof());
        uint256 before = token.balanceOf(provider);
        vm.prank(provider);
        stake.unstake();
        vm.assertEq(token.balanceOf(provider) - before, 600, "what was left to leave");
    }

    function test_GivenSessionKeysSigned_ItCountsAlsoAfterTheyWereRevoked() external {
        setSigner(provider, providerKey, 0, START + 30 days);
        setSigner(renter, renterKey, 0, START + 30 days);
        IStake.Equivocation memory p = proofBy(lease(), RENTER_KEY, PROVIDER_KEY);
        setSigner(provider, providerKey, 0, 0);
        setSigner(renter, renterKey, 0, 0);
        pass(DELAY + 1);
        prove(p);
        vm.assertEq(stake.stakeOf(provider), 600, "left");
    }

    function test_GivenTwoKeysOfTheProvider_ItCounts() external {
        setSigner(provider, providerKey, 0, START + 30 days);
        IStake.Equivocation memory p = proof();
        sign(p, PROVIDER, PROVIDER_KEY);
        prove(p);
        vm.assertEq(stake.stakeOf(provider), 600, "left");
    }

    function test_GivenRenterAndProviderAreOne_ItBurns95PercentAllTheSame() external {
        IStake.Lease memory l = lease();
        (l.renter, l.penalty) = (provider, 1000);
        uint256 before = token.balanceOf(provider);
        vm.prank(provider);
        stake.proveEquivocation(proofBy(l, PROVIDER, PROVIDER), provider);
        pass(LEAVE_DELAY);
        uint40[] memory list = new uint40[](1);
        list[0] = START + LEAVE_DELAY;
        vm.prank(provider);
        stake.claim(list);
        vm.assertEq(token.balanceOf(provider) - before, 50, "out of 1000");
        vm.assertEq(stake.stakeOf(provider), 0, "left");
    }

    // ---- once ----

    function test_RevertGiven_ItWasProvenBefore() external {
        IStake.Equivocation memory p = proof();
        prove(p);
        bytes memory error = abi.encodeWithSelector(IStake.AlreadyProven.selector, p.a.lease, 7, 1);
        vm.expectRevert(error);
        prove(p);
        (p.a, p.b) = (p.b, p.a);
        sign(p, PROVIDER, PROVIDER);
        vm.expectRevert(error);
        prove(p);
        p.a.outputRoot = "a third answer";
        sign(p, PROVIDER, PROVIDER);
        vm.expectRevert(error);
        prove(p);
    }

    function test_GivenAnotherAttempt_ItSlashesAgain() external {
        IStake.Equivocation memory p = proof();
        prove(p);
        (p.a.attempt, p.b.attempt) = (2, 2);
        sign(p, PROVIDER, PROVIDER);
        prove(p);
        vm.assertEq(stake.stakeOf(provider), 200, "left");
    }

    // ---- what is no contradiction ----

    function test_RevertGiven_NoContradiction() external {
        IStake.Equivocation memory p = proof();
        p.b = p.a;
        sign(p, PROVIDER, PROVIDER);
        vm.expectRevert(IStake.SameResult.selector);
        prove(p);

        p = proof();
        p.b.attempt = 2;
        sign(p, PROVIDER, PROVIDER);
        vm.expectRevert(IStake.DifferentAttempts.selector);
        prove(p);

        p = proof();
        p.b.task = 8;
        sign(p, PROVIDER, PROVIDER);
        vm.expectRevert(IStake.DifferentAttempts.selector);
        prove(p);

        p = proof();
        bytes32 id = p.a.lease;
        p.b.lease = "another lease";
        sign(p, PROVIDER, PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(IStake.WrongLease.selector, id, id, bytes32("another lease")));
        prove(p);
    }

    // ---- who signed ----

    function test_RevertGiven_TheLeaseLacksASignature() external {
        IStake.Equivocation memory p = proof();
        p.byProvider = sig(STRANGER, p.a.lease);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotSignedBy.selector, provider, stranger));
        prove(p);

        p = proof();
        p.byRenter = sig(STRANGER, p.a.lease);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotSignedBy.selector, renter, stranger));
        prove(p);

        // Both signatures swapped: each side must sign for itself.
        p = proof();
        (p.byProvider, p.byRenter) = (p.byRenter, p.byProvider);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotSignedBy.selector, renter, provider));
        prove(p);
    }

    function test_RevertGiven_AThiefRaisesThePenalty() external {
        IStake.Equivocation memory p = proof();
        bytes32 id = p.a.lease;
        p.lease.penalty = 1000;
        bytes32 other = stake.leaseDigest(p.lease);
        vm.expectRevert(abi.encodeWithSelector(IStake.WrongLease.selector, other, id, id));
        prove(p);
        (p.a.lease, p.b.lease) = (other, other);
        vm.expectRevert(); // now nothing in it is signed
        prove(p);
    }

    function test_RevertGiven_AResultIsNotSignedByTheProvider() external {
        IStake.Equivocation memory p = proof();
        sign(p, PROVIDER, RENTER);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotSignedBy.selector, provider, renter));
        prove(p);
        sign(p, STRANGER, PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotSignedBy.selector, provider, stranger));
        prove(p);
    }

    function test_RevertGiven_AKeyThatHadEndedBeforeTheLeaseBegan() external {
        setSigner(provider, providerKey, 0, START + 10);
        IStake.Lease memory l = lease();
        (l.start, l.end) = (START + 11, START + 12);
        IStake.Equivocation memory p = proofBy(l, RENTER, PROVIDER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotSignedBy.selector, provider, providerKey));
        prove(p);
        l.start = START + 10;
        prove(proofBy(l, RENTER, PROVIDER_KEY));
    }

    function test_RevertGiven_TheVictimsKeyIsClaimedByAThief() external {
        // The thief authorises the victim's node key as its own: that puts its own stake at risk, not the victim's.
        setSigner(stranger, provider, type(uint96).max, START + 30 days);
        setSigner(stranger, providerKey, type(uint96).max, START + 30 days);
        IStake.Equivocation memory p = proofBy(lease(), RENTER, STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IStake.NotSignedBy.selector, provider, stranger));
        prove(p);
    }

    // ---- which leases ----

    function test_RevertGiven_NoPenalty() external {
        IStake.Lease memory l = lease();
        l.penalty = 0;
        IStake.Equivocation memory p = proofBy(l, RENTER, PROVIDER);
        vm.expectRevert(IStake.NoPenalty.selector);
        prove(p);
    }

    function test_RevertGiven_AnImpossibleTime() external {
        IStake.Lease memory l = lease();
        l.end = l.start - 1;
        IStake.Equivocation memory p = proofBy(l, RENTER, PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(IStake.LeaseOutOfRange.selector, l.start, l.end, 366 days));
        prove(p);
        l.end = l.start + 366 days + 1;
        p = proofBy(l, RENTER, PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(IStake.LeaseOutOfRange.selector, l.start, l.end, 366 days));
        prove(p);
    }

    function test_RevertGiven_TheLeaseEndedTooLongAgo() external {
        IStake.Equivocation memory p = proof();
        uint256 last = START + 1 hours + LEAVE_DELAY;
        vm.warp(last + 1);
        vm.expectRevert(abi.encodeWithSelector(IStake.LeaseTooOld.selector, START + 1 hours, last));
        prove(p);
        vm.warp(last);
        prove(p);
    }

    function test_RevertGiven_NothingIsStaked() external {
        vm.prank(provider);
        stake.leave(1000);
        pass(LEAVE_DELAY);
        vm.prank(provider);
        stake.unstake();
        IStake.Equivocation memory p = proof();
        vm.expectRevert(abi.encodeWithSelector(IStake.NothingToSlash.selector, provider));
        prove(p);
        // It was not used up: should the provider stake again in time, it still counts.
        vm.prank(provider);
        stake.stake(provider, 100);
        prove(p);
    }

    // ---- where ----

    function test_RevertGiven_AnotherChainOrContract() external {
        IStake.Equivocation memory p = proof();
        vm.chainId(2);
        vm.expectRevert();
        prove(p);
        vm.chainId(31337);
        IStake other = IStake(vm.deployCode("Stake.sol:Stake", abi.encode(ledger, LEAVE_DELAY)));
        vm.expectRevert();
        other.proveEquivocation(p, REPORTER);
        // The results alone signed for the other contract do not help: the lease's digest differs there too.
        bytes32 there = other.leaseDigest(p.lease);
        vm.assertTrue(there != p.a.lease, "one digest for two contracts");
    }
}
