// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {ILedger} from "../../src/interfaces/ILedger.sol";
import {Base} from "../support/Base.sol";

contract ReserveTest is Base {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function setUp() public override {
        super.setUp();
        deposit(renter, 1000);
    }

    // ---- reserve ----

    function test_WhenTheCapIsAboveThePresentOne_ItBooksTheDifference() external {
        reserve(renter, provider, LANE, 100);
        vm.expectEmit(address(ledger));
        emit ILedger.Reserved(renter, provider, LANE, 150, 0);
        reserve(renter, provider, LANE, 150);
        vm.assertEq(depositOf(renter), 850, "deposit");
        vm.assertEq(laneOf(renter, provider, LANE).cap, 150, "cap");
        vm.assertEq(uint256(ledger.laneStatus(renter, provider, LANE)), uint256(ILedger.LaneStatus.Open), "status");
        vm.assertEq(
            uint256(ledger.laneStatus(renter, provider, LANE_2)), uint256(ILedger.LaneStatus.Unused), "other status"
        );
    }

    function test_WhenTheCapIsNotAboveThePresentOne_ItChangesNothing() external {
        reserve(renter, provider, LANE, 100);
        reserve(renter, provider, LANE, 100);
        reserve(renter, provider, LANE, 99);
        vm.assertEq(depositOf(renter), 900, "deposit");
        vm.assertEq(laneOf(renter, provider, LANE).cap, 100, "cap");
    }

    function test_WhenTheSameLaneIsTwiceInABatch_ItBooksTheHigherCapOnce() external {
        ILedger.Res[] memory list = new ILedger.Res[](3);
        list[0] = ILedger.Res(provider, LANE, 100);
        list[1] = ILedger.Res(provider, LANE, 300);
        list[2] = ILedger.Res(provider, LANE, 200);
        vm.prank(renter);
        ledger.reserve(list);
        vm.assertEq(depositOf(renter), 700, "deposit");
        vm.assertEq(laneOf(renter, provider, LANE).cap, 300, "cap");
    }

    function test_RevertWhen_TheDepositIsTooSmall() external {
        ILedger.Res[] memory list = new ILedger.Res[](2);
        list[0] = ILedger.Res(provider, LANE, 600);
        list[1] = ILedger.Res(provider2, LANE, 401);
        vm.expectRevert(abi.encodeWithSelector(ILedger.InsufficientDeposit.selector, renter, 1000, 1001));
        vm.prank(renter);
        ledger.reserve(list);
    }

    function test_GivenAReleaseIsRunning_ARaiseLeavesItRunning() external {
        reserve(renter, provider, LANE, 100);
        startRelease(renter, provider, LANE);
        reserve(renter, provider, LANE, 200);
        vm.assertEq(laneOf(renter, provider, LANE).releaseAt, START + DELAY, "releaseAt after reserve");
        ledger.reserveFor(one(signedRes(RENTER, renter, provider, LANE, 0, 300)));
        vm.assertEq(laneOf(renter, provider, LANE).releaseAt, START + DELAY, "releaseAt after reserveFor");
        pass(DELAY);
        ledger.release(renter, one(provider, LANE));
        vm.assertEq(depositOf(renter), 1000, "what was added is released with the rest");
    }

    function test_RevertGiven_TheLastEpoch() external {
        wearOut();
        vm.expectRevert(abi.encodeWithSelector(ILedger.LaneWornOut.selector, renter, provider, LANE));
        reserve(renter, provider, LANE, 200);
        ILedger.SignedRes[] memory list = one(signedRes(RENTER, renter, provider, LANE, type(uint24).max, 200));
        vm.expectRevert(abi.encodeWithSelector(ILedger.LaneWornOut.selector, renter, provider, LANE));
        ledger.reserveFor(list);
    }

    /// @dev Puts the lane into its last epoch but one with money in it, and waives it there.
    function wearOut() private {
        reserve(renter, provider, LANE, 100);
        bytes32 slot = keccak256(abi.encode(provider, keccak256(abi.encode(renter, uint256(4)))));
        slot = keccak256(abi.encode(LANE, slot));
        bytes32 word = vm.load(address(ledger), slot);
        vm.assertEq(uint256(word), 100, "not the lane's slot");
        vm.store(address(ledger), slot, bytes32(uint256(word) | uint256(type(uint24).max - 1) << 232));
        vm.prank(provider);
        ledger.waive(one(renter, LANE));
        vm.assertEq(laneOf(renter, provider, LANE).epoch, type(uint24).max, "epoch");
        vm.prank(provider);
        ledger.waive(one(renter, LANE));
        vm.assertEq(laneOf(renter, provider, LANE).epoch, type(uint24).max, "epoch went round");
        vm.assertEq(depositOf(renter), 1000, "deposit");
    }

    // ---- reserveFor ----

    function test_WhenSignedByTheAccount_AnybodyMaySubmitIt() external {
        vm.expectEmit(address(ledger));
        emit ILedger.Reserved(renter, provider, LANE, 100, 0);
        vm.prank(stranger);
        ledger.reserveFor(one(signedRes(RENTER, renter, provider, LANE, 0, 100)));
        vm.assertEq(depositOf(renter), 900, "deposit");
    }

    function test_WhenSubmittedTwice_ItBooksOnce() external {
        ILedger.SignedRes memory x = signedRes(RENTER, renter, provider, LANE, 0, 100);
        ILedger.SignedRes[] memory list = new ILedger.SignedRes[](2);
        (list[0], list[1]) = (x, x);
        ledger.reserveFor(list);
        ledger.reserveFor(list);
        vm.assertEq(depositOf(renter), 900, "deposit");
    }

    function test_RevertWhen_ItHasExpired() external {
        ILedger.SignedRes memory x = signedRes(RENTER, renter, provider, LANE, 0, 100);
        vm.warp(x.validUntil);
        ledger.reserveFor(one(x)); // the last second
        pass(1);
        vm.expectRevert(abi.encodeWithSelector(ILedger.ReserveExpired.selector, x.validUntil, now_()));
        ledger.reserveFor(one(x));
    }

    function test_RevertWhen_ItNamesAnotherEpoch() external {
        ILedger.SignedRes memory old = signedRes(RENTER, renter, provider, LANE, 0, 100);
        ILedger.SignedRes memory future = signedRes(RENTER, renter, provider, LANE, 1, 100);
        vm.expectRevert(abi.encodeWithSelector(ILedger.WrongEpoch.selector, renter, provider, LANE, 0, 1));
        ledger.reserveFor(one(future));
        vm.prank(provider);
        ledger.waive(one(renter, LANE));
        vm.expectRevert(abi.encodeWithSelector(ILedger.WrongEpoch.selector, renter, provider, LANE, 1, 0));
        ledger.reserveFor(one(old));
        ledger.reserveFor(one(future));
    }

    function test_RevertWhen_AFieldIsNotWhatWasSigned() external {
        for (uint256 i; i < 6; ++i) {
            ILedger.SignedRes memory x = signedRes(RENTER, renter, provider, LANE, 0, 100);
            if (i == 0) x.renter = renter2;
            if (i == 1) x.provider = provider2;
            if (i == 2) x.lane = LANE_2;
            if (i == 3) x.cap = 101;
            if (i == 4) x.validUntil += 1;
            if (i == 5) x.r = bytes32(uint256(x.r) ^ 1);
            vm.expectRevert(); // another key is recovered, or none
            ledger.reserveFor(one(x));
        }
    }

    function test_RevertWhen_TheSignatureIsOfAnotherChainOrContractOrHasAHighS() external {
        ILedger.SignedRes memory x = signedRes(RENTER, renter, provider, LANE, 0, 100);
        vm.chainId(2);
        vm.expectRevert();
        ledger.reserveFor(one(x));
        vm.chainId(31337);

        ILedger other = ILedger(vm.deployCode("Ledger.sol:Ledger", abi.encode(token, DELAY)));
        vm.expectRevert();
        other.reserveFor(one(x));

        uint256 s = ORDER - (uint256(x.vs) & uint256(type(int256).max));
        x.vs = bytes32(s | (uint256(x.vs) ^ 1 << 255) & 1 << 255);
        vm.expectRevert(); // a high s does not even fit into 255 bits, see the redeem tests
        ledger.reserveFor(one(x));
    }

    function test_RevertGiven_TheKeyWasNeverAuthorisedOrHasEnded() external {
        uint64 lane = laneOf(renterKey, 1);
        ILedger.SignedRes[] memory list = one(signedRes(RENTER_KEY, renter, provider, lane, 0, 100));
        vm.expectRevert(abi.encodeWithSelector(ILedger.SignerNotValid.selector, renter, renterKey, 0));
        ledger.reserveFor(list);
        setSigner(renter, renterKey, 500, START + 100);
        pass(101);
        vm.expectRevert(abi.encodeWithSelector(ILedger.SignerNotValid.selector, renter, renterKey, START + 100));
        ledger.reserveFor(list);
    }

    function test_RevertGiven_AnotherKeysLane() external {
        setSigner(renter, renterKey, 500, START + 100);
        ILedger.SignedRes[] memory list = one(signedRes(RENTER_KEY, renter, provider, LANE, 0, 100));
        vm.expectRevert(abi.encodeWithSelector(ILedger.SignerNotOnLane.selector, renterKey, LANE));
        ledger.reserveFor(list);
        uint64 others = laneOf(providerKey, 1);
        list = one(signedRes(RENTER_KEY, renter, provider, others, 0, 100));
        vm.expectRevert(abi.encodeWithSelector(ILedger.SignerNotOnLane.selector, renterKey, others));
        ledger.reserveFor(list);
    }

    function test_RevertWhen_ItExceedsTheAllowance() external {
        uint64 lane = laneOf(renterKey, 1);
        setSigner(renter, renterKey, 100, START + 100);
        ledger.reserveFor(one(signedRes(RENTER_KEY, renter, provider, lane, 0, 60)));
        ILedger.SignedRes[] memory list = one(signedRes(RENTER_KEY, renter, provider, lane, 0, 101));
        vm.expectRevert(abi.encodeWithSelector(ILedger.AllowanceExceeded.selector, renter, renterKey, 40, 41));
        ledger.reserveFor(list);
        setSigner(renter, renterKey, 0, 0); // less than what it has booked
        vm.expectRevert(abi.encodeWithSelector(ILedger.AllowanceExceeded.selector, renter, renterKey, 0, 41));
        ledger.reserveFor(list);
    }

    function test_WhenSignedByASessionKey_ItUsesUpTheAllowanceForGood() external {
        uint64 lane = laneOf(renterKey, 1);
        setSigner(renter, renterKey, 100, START + 10 days);
        ledger.reserveFor(one(signedRes(RENTER_KEY, renter, provider, lane, 0, 60)));
        ledger.reserveFor(one(signedRes(RENTER_KEY, renter, provider, lane, 0, 60)));
        (uint96 allowance,, uint96 booked) = ledger.signers(renter, renterKey);
        vm.assertEq(allowance, 100, "allowance");
        vm.assertEq(booked, 60, "booked");
        vm.prank(provider);
        ledger.waive(one(renter, lane));
        vm.assertEq(depositOf(renter), 1000, "the cap came back");
        ILedger.SignedRes[] memory list = one(signedRes(RENTER_KEY, renter, provider, lane, 1, 41));
        vm.expectRevert(abi.encodeWithSelector(ILedger.AllowanceExceeded.selector, renter, renterKey, 40, 41));
        ledger.reserveFor(list);
    }

    function test_RevertWhen_TheSignatureIsZero() external {
        ILedger.SignedRes memory x = signedRes(RENTER, renter, provider, LANE, 0, 100);
        (x.renter, x.r, x.vs) = (address(0), 0, 0);
        vm.expectRevert(ECDSA.ECDSAInvalidSignature.selector);
        ledger.reserveFor(one(x));
    }
}
